"""A kernel's serial and parallel twin, compiled when first needed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from numbaloss.compile import threads

Kernel = Callable[..., Any]


class Twins:
    """One kernel in its two variants; calling it runs the one that fits the work and the threads at hand."""

    __slots__ = ("_parallel", "_serial", "dtype", "holes", "label", "template")

    def __init__(self, template: Kernel, dtype: np.dtype[Any], label: str, **holes: Any) -> None:
        self.template, self.dtype, self.label, self.holes = template, dtype, label, holes
        self._serial: Kernel = self._first_serial
        self._parallel: Kernel = self._first_parallel

    def __call__(self, work: float, *arguments: Any) -> Any:
        if work < threads.least:  # `run` asks it too: short calls feel one more call
            return self._serial(*arguments)
        return threads.run(self._serial, self._parallel, work, *arguments)

    def _first_serial(self, *arguments: Any) -> Any:
        self._serial = self.bound(parallel=False)
        return self._tried(self._serial, arguments)

    def _first_parallel(self, *arguments: Any) -> Any:
        self._parallel = self.bound(parallel=True)
        return self._tried(self._parallel, arguments)

    def _tried(self, kernel: Kernel, arguments: tuple[Any, ...]) -> Any:
        """Call a kernel that is compiled now; of a name that nothing has Numba would tell in forty lines."""
        from numba.core.errors import TypingError

        from numbaloss.compile.bind import check_names

        try:
            return kernel(*arguments)
        except TypingError:
            for hole in self.holes.values():
                check_names(hole, set())
            raise

    def bound(self, parallel: bool) -> Kernel:
        """The compiled twin (a Numba dispatcher)."""
        from numbaloss.compile.bind import bind

        return bind(self.template, self.dtype, self.label, parallel, **self.holes)
