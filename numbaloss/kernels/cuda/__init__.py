"""CUDA loops, as templates with open names; they know no loss, and use the part of Numba that its successor takes, too.

Shared memory is declared in kernels and passed to helpers; sums go in two launches, in a fixed order for any device.
"""
