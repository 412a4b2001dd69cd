"""Derivatives for free: the slopes and the curvature of a loss whose author states the value alone.

`copies` runs the author's function on symbols, and `trace` keeps every step of it; `algebra` differentiates the steps
with SymPy; `forms` picks the form that keeps most digits; `text` writes a plain Python function, which is compiled like
any that was written by hand. `derive` puts these together. Only `algebra` and `forms` import SymPy, so that only a
derivation needs it.
"""
