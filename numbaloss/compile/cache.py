"""Machine code on disk: a cache that may miss, but neither raises nor hands out the wrong kernel.

Numba's own cache leaves compiler options, constants and helpers out of its key, names data files by a
counter that two processes can share, and raises on a damaged file. Here one file holds one kernel for one
signature, and everything the machine code depends on is in its key. Equal keys mean equal code, so
processes need no locks: whoever writes last replaces a file by its equal, atomically. `kernel_files` has
the files and the environment variables.
"""

from __future__ import annotations

import hashlib
import importlib
import itertools
import pickle
import re
import secrets
import sys
from typing import Any

import numba
from numba.core import config
from numba.core.runtime.nrt import rtsys

from numbaloss.compile import kernel_files
from numbaloss.compile.kernel_files import Statistics, clear, folder, size, statistics

__all__ = ["KernelCache", "Statistics", "attach", "clear", "describe", "folder", "size", "statistics"]

_ADDRESS = re.compile(r"\bat 0x[0-9a-fA-F]+")
# Settings that cannot reach the machine code; every other one is in the key, those of later versions too.
_IRRELEVANT = re.compile(
    r"CUDA|WARN|NUM_THREADS$|^(CACHE_|CHROME_|COLOR_|FULL_TRACEBACKS|FUNCTION_CACHE|GDB_|SHOW_HELP|THREADING_)"
)


def attach(dispatcher: Any, identity: str) -> None:
    """Give a Numba CPU dispatcher (made without ``cache=True``) this cache.

    `identity` names all that the kernel's meaning depends on and Numba cannot see: role, loss, dtype, variant
    and a digest of every source reached.

    Never raises. A dispatcher that cannot have the cache keeps working without; `statistics` says why.
    """
    try:
        if not hasattr(dispatcher, "_cache"):
            raise AttributeError("this Numba's dispatchers have no _cache")
        name = dispatcher.py_func.__qualname__
        options = f"options {_canonical(dispatcher.targetoptions)} locals {_canonical(dispatcher.locals)}"
        store = KernelCache("\n".join((name, identity, options)), name)
        _give_own_symbols(dispatcher._compiler)
        dispatcher._cache = store
    except Exception as error:  # whatever a future Numba changes costs the cache, not the call
        statistics.problem(f"attaching to {identity!r}", error)


def describe() -> dict[str, object]:
    """The cache's state, for ``numbaloss doctor``."""
    place = folder()
    return {
        "folder": None if place is None else str(place),
        "searched": [str(place) for place in kernel_files.folders()],
        "bytes": size(),
        "limit": kernel_files.limit(),
        **vars(statistics),
    }


class KernelCache:
    """The cache of one dispatcher, with the methods of ``numba.core.caching._Cache`` that Numba calls."""

    def __init__(self, about: str, name: str) -> None:
        self._about = about
        readable = re.sub(r"[^A-Za-z0-9_.]+", "", name)[:60]
        self._stem = f"{readable}-{hashlib.sha256(about.encode()).hexdigest()[:16]}-"
        self._enabled = True

    @property
    def cache_path(self) -> str | None:
        """The folder as text, as ``dispatcher.stats`` shows it."""
        place = folder()
        return None if place is None else str(place)

    def enable(self) -> None:
        self._enabled = True

    def disable(self) -> None:
        self._enabled = False

    def flush(self) -> None:
        """Remove this dispatcher's files; Numba asks for it in ``recompile()``."""
        kernel_files.remove_starting_with(self._stem)

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """The stored compile result for a signature, or None."""
        result = None
        if self._enabled:
            try:
                rtsys.initialize(target_context)  # what machine code calls; Numba's registries serve the compiler alone
                result = self._loaded(sig, target_context)
            except Exception as error:  # any damage is a miss
                statistics.problem(f"loading {self._stem}", error)
            statistics.hits += result is not None
            statistics.misses += result is None
        return result

    def save_overload(self, sig: Any, data: Any) -> None:
        """Store a compile result, where it can be stored."""
        if self._enabled and kernel_files.switched_on():
            try:
                statistics.stores += self._stored(sig, data)
            except Exception as error:  # not stored is compiled again, no more
                statistics.problem(f"storing {self._stem}", error)

    def _loaded(self, sig: Any, target_context: Any) -> Any:
        from numba.core.compiler import CompileResult

        key = self._key(sig, target_context.codegen())
        payload = kernel_files.find(self._file_name(key), key)
        if payload is None:
            return None
        rebuild: Any = CompileResult._rebuild
        result = rebuild(target_context, *pickle.loads(payload))
        args, _ = _arguments_and_result(sig)
        if tuple(result.signature.args) != args:
            raise ValueError(f"holds {result.signature} where {args} was asked for")
        return result

    def _stored(self, sig: Any, data: Any) -> bool:
        from numba.core import serialize

        if data.library.has_dynamic_globals or any(not lifted.can_cache for lifted in data.lifted):
            raise ValueError("the code has lifted loops or addresses of this process in it")
        if data.environment.globals.get("__name__") not in sys.modules:
            raise ValueError("the function's module cannot be imported by another process")
        key = self._key(sig, data.codegen)
        dumps: Any = serialize.dumps
        return kernel_files.put(self._file_name(key), key, dumps(data._reduce()))

    def _file_name(self, key: str) -> str:
        return f"{self._stem}{hashlib.sha256(key.encode()).hexdigest()[:40]}{kernel_files.SUFFIX}"

    def _key(self, sig: Any, codegen: Any) -> str:
        args, result = _arguments_and_result(sig)
        key = "\n".join(
            (self._about, f"signature {args} -> {result}", f"target {codegen.magic_tuple()}", _settings())
        )
        if _ADDRESS.search(key):  # in another process the same address may hold something else
            raise ValueError("an argument's type or an option is known only by its address")
        return key


def _give_own_symbols(compiler: Any) -> None:
    """Make linker symbols unique among all processes.

    Numba numbers what it compiles from 1 in each process and links by name and number. So kernels stored by
    two processes can share a symbol for different helpers, and a third process that loads both kernels runs
    one of the helpers in both: a wrong number without any error. Random starts rule that out.
    """
    from numba.core.bytecode import FunctionIdentity

    numbers: Any = FunctionIdentity
    if not hasattr(numbers, "_unique_ids"):
        raise AttributeError("this Numba numbers its symbols in another way")
    original = compiler.compile

    def compile_with_own_symbols(args: Any, return_type: Any) -> Any:
        before = numbers._unique_ids
        numbers._unique_ids = itertools.count(secrets.randbits(62))  # under Numba's compiler lock
        try:
            made = original(args, return_type)
        finally:
            numbers._unique_ids = before
        # Numba sets the kernel's environment alone; a helper that prints looks for its own, and held the lock for good.
        for environment in getattr(made, "_find_referenced_environments", tuple)():
            made.library.codegen.set_env(environment.env_name, environment)
        return made

    compiler.compile = compile_with_own_symbols


def _arguments_and_result(sig: Any) -> tuple[tuple[Any, ...], Any]:
    """The types in a signature, which Numba hands over as a tuple of arguments or with the result type."""
    from numba.core import sigutils

    normalize: Any = sigutils.normalize_signature
    args, result = normalize(sig)
    return tuple(args), result


def _settings() -> str:
    """Versions, and every setting of Numba that may change the code."""
    names = [name for name in dir(config) if name.isupper() and not _IRRELEVANT.search(name)]
    python = (sys.implementation.cache_tag, sys.version_info[:3], getattr(sys, "abiflags", ""))
    llvmlite = importlib.import_module("llvmlite").__version__
    versions = f"numba {numba.__version__} llvmlite {llvmlite} python {python}"
    return f"{versions} settings {_canonical({name: getattr(config, name) for name in names})}"


def _canonical(value: Any) -> str:
    """A text that is the same in every process: sets and dictionaries sorted."""
    if isinstance(value, dict):
        return "{" + ", ".join(sorted(f"{_canonical(k)}: {_canonical(v)}" for k, v in value.items())) + "}"
    if isinstance(value, (set, frozenset)):
        return "{" + ", ".join(sorted(map(_canonical, value))) + "}"
    if isinstance(value, (tuple, list)):
        return "(" + ", ".join(map(_canonical, value)) + ")"
    return repr(value)
