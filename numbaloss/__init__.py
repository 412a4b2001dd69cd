"""Loss functions as compiled kernels: stated once in plain Python, run at the speed of memory.

>>> import numbaloss as nl
>>> criterion = nl.CrossEntropyLoss(label_smoothing=0.1)
>>> value, gradient = criterion.value_and_grad([[2.0, 0.0, 0.0]], [0])
>>> gradient.shape
(1, 3)
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from numbaloss.compile import threads as _threads  # noqa: F401  (no Numba yet: installs the at-fork hook early)

__version__ = "0.1.0"

# Public name -> where it lives; nothing is imported before it is asked for.
_PUBLIC = {
    "Loss": "numbaloss.loss",
    "Mix": "numbaloss.mix",
    "PluginError": "numbaloss.plugins.errors",
    "PluginWarning": "numbaloss.plugins.errors",
    "Total": "numbaloss.total",
    "UnknownLossError": "numbaloss.plugins.errors",
    "check_labels": "numbaloss.arrays.labels",
    "from_expression": "numbaloss.expression",
    "get": "numbaloss.plugins.registry",
    "hookimpl": "numbaloss.plugins.hookspecs",
    "list_losses": "numbaloss.plugins.registry",
    "load_plugin_dir": "numbaloss.plugins.registry",
    "load_plugins": "numbaloss.plugins.registry",
    "named_mix": "numbaloss.structures.named",
}

# Decorators that make a loss, one for each structure: of one element, of a row, of a batch, of a region ...
_DECORATORS = {
    "batch_pairs": "numbaloss.structures.tiles",
    "batch_triplets": "numbaloss.structures.tile_triplets",
    "cosines": "numbaloss.structures.cosines",
    "distributions": "numbaloss.structures.distributions",
    "fused_regions": "numbaloss.structures.region_mix",
    "kernel": "numbaloss.structures.kernel",
    "linear_softmax": "numbaloss.structures.head",
    "lovasz": "numbaloss.structures.lovasz",
    "margins": "numbaloss.structures.margins",
    "pairs": "numbaloss.structures.pairs",
    "picks": "numbaloss.structures.picks",
    "pointwise": "numbaloss.structures.pointwise",
    "regions": "numbaloss.structures.regions",
    "sequences": "numbaloss.structures.sequence",
    "softmax": "numbaloss.structures.softmax",
    "triplets": "numbaloss.structures.pairs",
}
_PUBLIC |= _DECORATORS


def _losses() -> dict[str, Any]:
    """The built-in loss functions and classes by name."""
    functions = import_module("numbaloss.plugins.registry").builtins()
    return {**functions, **{function.Loss.__name__: function.Loss for function in functions.values()}}


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        value = getattr(import_module(_PUBLIC[name]), name)
    elif name.startswith("_") or name not in (losses := _losses()):
        raise AttributeError(f"module 'numbaloss' has no attribute {name!r}{_hint(name)}")
    else:
        value = losses[name]
    globals()[name] = value
    return value


def _hint(name: str) -> str:
    """Public names that `name` may have been meant to be."""
    if name.startswith("_"):
        return ""
    import difflib

    folded = {known.lower(): known for known in __dir__() if not known.startswith("_")}
    near = difflib.get_close_matches(name.lower(), folded, n=2, cutoff=0.7)
    return f"; did you mean {' or '.join(repr(folded[found]) for found in near)}?" if near else ""


def __dir__() -> list[str]:
    return sorted({"__version__", *_PUBLIC, *_losses()})
