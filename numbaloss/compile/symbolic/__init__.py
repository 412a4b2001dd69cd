"""Derivatives for free: the slopes and the curvature of a loss whose author states the value alone.

`trace` runs the author's function on symbols and keeps every step of it; `algebra` differentiates the steps with
SymPy; `text` writes a plain Python function of both, which is compiled like any that was written by hand. `derive`
puts these together. Only `algebra` imports SymPy, so only a derivation needs it.
"""
