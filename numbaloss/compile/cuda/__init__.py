"""Kernels for CUDA devices: how they are bound, compiled, run on a device, or simulated without one.

`memory` is the only module that touches LLVM. `kernel` binds a template and gives its PTX; `driver` launches that on a
device, and `simulator` runs the same bound functions on the host, thread by thread.
"""
