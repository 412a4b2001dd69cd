"""``numbaloss doctor``: what there is on this machine, what is degraded, and why."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import sys
import time
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from numbaloss.cli.console import console, loading_plugins, print_json, size

# Package -> what it adds here.
EXTRAS = {
    "matplotlib": "plots in files",
    "scikit-learn": "digits for the demo; comparisons",
    "ml-dtypes": "bfloat16 arrays in NumPy",
    "tbb": "a threading layer that serves every thread",
    "torch": "comparisons in the benchmarks",
    "jax": "comparisons in the benchmarks",
    "sympy": "losses stated by their value alone",
    "mpmath": "50-digit references for numbaloss.testing",
    "greenlet": "CUDA kernels without a device, for numbaloss.testing",
}
FEATURES = ("sse4.2", "avx", "avx2", "fma", "avx512f", "avx512bw", "avx512bf16", "amx-tile", "neon", "sve", "sve2")


def examine(json: bool) -> None:
    """Print the report."""
    with loading_plugins(tell=False):
        report = gathered()
    if json:
        print_json(report)
        return
    _print(console(), report)


def gathered() -> dict[str, Any]:
    """Everything the report says, as plain data."""
    import numbaloss

    report: dict[str, Any] = {
        "versions": {
            "numbaloss": numbaloss.__version__,
            "python": platform.python_version(),
            **{name: _version(name) for name in ("numba", "llvmlite", "numpy", "pluggy")},
        },
        "machine": _machine(),
        "first_call": _first_call(),
    }
    from numbaloss.compile import cache, threads

    usable = threads.get_num_threads()  # launches them: doctor is here to see whether that works
    described = {name: None if value == threads.NEVER else value for name, value in threads.describe().items()}
    report["threads"] = {**described, "used_by_large_calls": usable}
    report["cache"] = cache.describe()
    report["plugins"] = _plugins()
    report["extras"] = {name: _version(name) for name in EXTRAS}
    report["cuda"] = _cuda()
    report["environment"] = {
        name: value for name, value in sorted(os.environ.items()) if name.startswith(("NUMBALOSS_", "NUMBA_"))
    }
    report["degraded"] = degradations(report)
    return report


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _machine() -> dict[str, Any]:
    from llvmlite import binding

    features = binding.get_host_cpu_features()
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:  # only Linux has it
        cores = os.cpu_count() or 1
    return {
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "processor": binding.get_host_cpu_name(),
        "cores": cores,
        "simd": [name for name in FEATURES if features.get(name)],
    }


def _first_call() -> dict[str, Any]:
    """Run one small kernel: how long the first call takes, and whether its result is right."""
    from numbaloss.compile import kernel_files

    started = time.perf_counter()
    try:
        import numpy as np

        import numbaloss

        value, gradient = numbaloss.MSELoss().value_and_grad(np.array([2.0, 3.0, 4.0]), np.array([2.5, 3.5, 4.5]))
        right = bool(value == 0.25 and np.allclose(gradient, -1.0 / 3.0))
        problem = None if right else f"the mean squared error of a table is {value}, not 0.25"
    except Exception as error:  # whatever it is, the report is to show it
        problem = f"{type(error).__name__}: {error}"
    seconds = time.perf_counter() - started
    return {"seconds": round(seconds, 3), "from_cache": kernel_files.statistics.hits > 0, "problem": problem}


def _cuda() -> dict[str, Any]:
    """What CUDA kernels need: NVIDIA's compiler for Numba, its assembler (for tests alone), a driver and a device."""
    from numbaloss.compile.cuda import assembler, driver, kernel

    found: dict[str, Any] = {"compiler": None, "assembler": assembler.ptxas(), "device": None, "missing": []}
    try:
        kernel.toolchain()
        found["compiler"] = kernel.versions()
    except kernel.NoCudaError as error:
        found["missing"].append(str(error))
    try:
        major, minor = driver.device(0).capability
        found["device"] = f"compute capability {major}.{minor}"
    except (kernel.NoCudaError, driver.CudaError) as error:
        found["missing"].append(str(error))
    return found


def _plugins() -> list[dict[str, Any]]:
    from dataclasses import asdict

    from numbaloss.plugins import registry
    from numbaloss.plugins.errors import PluginError

    try:
        return [asdict(plugin) for plugin in registry.load_plugins()]
    except PluginError as error:  # NUMBALOSS_STRICT_PLUGINS
        return [{"name": "?", "distribution": "?", "version": "", "status": "broken", "reason": str(error)}]


def degradations(report: dict[str, Any]) -> list[dict[str, str]]:
    """What works worse than it could: what, why, and what would help."""
    found: list[tuple[str, str, str]] = []
    threads, cache, machine = report["threads"], report["cache"], report["machine"]
    if report["first_call"]["problem"]:
        found.append(("Kernels do not run.", report["first_call"]["problem"], "reinstall numba and numpy"))
    if report["environment"].get("NUMBA_DISABLE_JIT", "0") != "0":
        found.append(("Nothing is compiled.", "NUMBA_DISABLE_JIT is set", "unset it"))
    if threads["used_by_large_calls"] == 1:
        alone = "this process may use one core" if machine["cores"] == 1 else "Numba has one thread"
        why = threads["reason"] or alone
        found.append(("Kernels run on one thread.", str(why), "see NUMBALOSS_PARALLEL, NUMBA_NUM_THREADS"))
    elif threads["layer"] == "workqueue":
        why = "Numba's layer is workqueue"
        found.append(("Threads serve only large calls from the main thread.", why, _layer_help()))
    if cache["folder"] is None:
        off = os.environ.get("NUMBALOSS_CACHE", "") != "" and not cache["searched"]
        why = "NUMBALOSS_CACHE turns it off" if off else str(cache["last_problem"] or "no folder can be written")
        found.append(("Every process compiles anew.", why, "name a folder by NUMBALOSS_CACHE_DIR"))
    elif cache["failures"]:
        found.append(("The cache had problems.", str(cache["last_problem"]), "see the folder's permissions and disk"))
    x86 = platform.machine().lower() in ("x86_64", "amd64")
    if x86 and "avx2" not in machine["simd"]:
        found.append(("Vectors are short.", "this processor has no AVX2", "nothing: it is the processor"))
    if core := os.environ.get("OPENBLAS_CORETYPE"):
        why = f"OPENBLAS_CORETYPE={core} decides in OpenBLAS's place which processor NumPy's products are made for"
        found.append(("Losses of matrix products may be slow.", why, "unset it, unless you measured"))
    for plugin in report["plugins"]:
        if plugin["status"] == "broken":
            where = f"{plugin['distribution']}:{plugin['name']}"
            found.append((f"The plugin {where} is left out.", plugin["reason"], "numbaloss plugins --traceback"))
    for name in ("matplotlib", "scikit-learn"):
        if report["extras"][name] is None:
            found.append(("The demo is incomplete.", f"{name} is missing", 'pip install "numbaloss[demo]"'))
    return [{"what": what, "why": why, "help": cure} for what, why, cure in found]


def _layer_help() -> str:
    return "install libgomp (OpenMP)" if sys.platform.startswith("linux") else "install TBB: pip install tbb"


def describe_cache(json: bool) -> None:
    """``numbaloss cache info``."""
    from numbaloss.compile import cache

    facts = cache.describe()
    if json:
        print_json(facts)
        return
    _section(console(), "Cache", _cache_rows(facts))


# ---- printing


def _print(out: Console, report: dict[str, Any]) -> None:
    machine, threads, first = report["machine"], report["threads"], report["first_call"]
    versions = "  ".join(f"{name} [number]{version or 'missing'}[/]" for name, version in report["versions"].items())
    _section(
        out,
        "Machine",
        [
            ("versions", versions),
            ("system", f"{machine['system']}, [number]{machine['cores']}[/] cores for this process"),
            ("processor", f"{machine['processor']}  [dim]{' '.join(machine['simd'])}[/]"),
            ("first call", _first_call_words(first)),
        ],
    )
    least = threads["least_work"]
    _section(
        out,
        "Threads",
        [
            ("layer", str(threads["layer"] or "none")),
            ("large calls", f"[number]{threads['used_by_large_calls']}[/] threads"),
            ("small calls", "always" if least is None else f"serial below {least:,.0f} element-operations"),
            ("mode", f"NUMBALOSS_PARALLEL={threads['mode']}"),
        ],
    )
    _section(out, "Cache", _cache_rows(report["cache"]))
    _section(out, "Extras", [(name, _extra(name, version)) for name, version in report["extras"].items()])
    cuda = report["cuda"]
    facts = [(name, escape(cuda[name] or "none")) for name in ("compiler", "assembler", "device")]
    _section(out, "CUDA", facts + [("missing", f"[dim]{escape(why)}[/]") for why in cuda["missing"]])
    plugins = [
        (f"{one['distribution']}:{one['name']}", f"{one['status']}  [dim]{escape(one['reason'])}[/]")
        for one in report["plugins"]
    ]
    _section(out, "Plugins", plugins or [("none", "")])
    if report["environment"]:
        _section(out, "Environment", [(name, escape(value)) for name, value in report["environment"].items()])
    if not report["degraded"]:
        out.print("[good]✓ Nothing is degraded.[/]")
    for one in report["degraded"]:
        out.print(f"[warn]![/] [bold]{escape(one['what'])}[/] {escape(one['why'])} [dim]→ {escape(one['help'])}[/]")


def _section(out: Console, title: str, rows: list[tuple[str, str]]) -> None:
    out.print(f"[bold]{title}[/]")
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True, min_width=14)
    table.add_column(overflow="fold")
    for name, value in rows:
        table.add_row(f"  {name}", value)
    out.print(table)
    out.print()


def _first_call_words(first: dict[str, Any]) -> str:
    if first["problem"]:
        return f"[bad]✗ {escape(first['problem'])}[/]"
    return f"[good]✓[/] [number]{first['seconds']:.2f}[/] s, {'from the cache' if first['from_cache'] else 'compiled'}"


def _cache_rows(cache: dict[str, Any]) -> list[tuple[str, str]]:
    rows = [
        ("folder", escape(str(cache["folder"] or "none"))),
        ("size", f"[number]{size(cache['bytes'])}[/] of at most {size(cache['limit'])}"),
        ("this process", f"{cache['hits']} found, {cache['misses']} not, {cache['stores']} stored"),
    ]
    if cache["failures"]:
        rows.append(("problems", f"[warn]{cache['failures']}[/], the last: {escape(str(cache['last_problem']))}"))
    return rows


def _extra(name: str, version: str | None) -> str:
    return f"[good]{version}[/]  [dim]{EXTRAS[name]}[/]" if version else f"[dim]not installed: {EXTRAS[name]}[/]"
