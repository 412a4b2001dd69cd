"""How each structure runs on a device: the counterpart of the modules of the same names one folder up.

They check shapes and types on the host, and start kernels; nothing here waits for the device or reads from it.
"""
