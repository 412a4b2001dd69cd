"""How helpers are compiled: to LLVM code only, which their kernel links in and emits.

Numba optimises every function it compiles and makes machine code of it, whoever calls it. Helpers are called by kernels
alone, which inline them: without that work of its own for each, a kernel compiles in two thirds of the time.

A helper marked `out_of_line` stays a function, and is optimised by itself: a kernel's serial and parallel twin take on
the same code. From then on its arithmetic is fixed (the leave to reassociate is taken back): a parallel kernel's code
is optimised again, a serial one takes it on as it is.
"""

from __future__ import annotations

import importlib
import importlib.util
import re
import sys
from functools import cache
from typing import Any

import llvmlite.binding as llvm
from llvmlite import ir
from numba import _dynfunc  # type: ignore[attr-defined]  # a C extension
from numba.core import cgutils, typed_passes, untyped_passes
from numba.core import ir as numba_ir
from numba.core import types as numba_types
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler, CompilerBase, DefaultPassBuilder, Flags, _LowerResult
from numba.core.compiler_machinery import PassManager, register_pass
from numba.core.lowering import Lower
from numba.core.typed_passes import NativeLowering, NopythonRewrites

REVISION = 4  # raised when kernels come out of this module otherwise than before; part of the cache's key
# Leave to reassociate, but for the sum over the lanes of a vector (a fixed tree of additions, in order without it).
VIEWS = {"getitem", "static_getitem", "cast", "phi", "build_tuple", "exhaust_iter"}  # an array's part, or itself
WIDE = '"prefer-vector-width"="512"'
OURS = ("numbaloss.kernels.", "numbaloss.compile.")
_LEAVE = re.compile(r"\breassoc (?!.*@llvm\.vector\.reduce)")


class HelperLibrary(JITCodeLibrary):
    """A helper's LLVM code as it came out of Numba: to be linked, never to be run."""

    def _optimize_functions(self, ll_module: Any) -> None:
        ll_module.data_layout = self._codegen._data_layout

    def finalize(self) -> None:
        """Link what the helper calls; optimising and emitting are left to the kernel."""
        for library in dict.fromkeys(self._linking_libraries):
            self._reload_init.update(library._reload_init)
            raw = library.raw() if isinstance(library, HelperLibrary) else library._get_module_for_linking()
            self._final_module.link_in(raw, preserve=True)
        self._finalize_dynamic_globals()
        self._finalized = True

    def raw(self) -> Any:
        """The code for a helper that calls this one."""
        return JITCodeLibrary._get_module_for_linking(self)

    def get_pointer_to_function(self, name: str) -> int:
        """No machine code, hence no address."""
        return 0


class SettledLibrary(HelperLibrary):
    """LLVM code that is optimised by itself for the kernel, and whose arithmetic nobody rearranges after that."""

    _settled: Any = None

    def _get_module_for_linking(self) -> Any:
        if self._settled is None:
            self.raw()  # taken before the code is optimised
            JITCodeLibrary._optimize_final_module(self)
            self._settled = llvm.parse_assembly(_LEAVE.sub("", str(self._final_module)))
            for function in self._settled.functions:
                if not function.is_declaration and function.linkage == llvm.Linkage.external:
                    function.linkage = "linkonce_odr"  # as Numba has it: each kernel its own copy
        return self._settled


@register_pass(mutates_CFG=True, analysis_only=False)
class HelperLowering(NativeLowering):
    """Numba's lowering into a `HelperLibrary`."""

    _name = "numbaloss_helper_lowering"

    @property
    def lowering_class(self) -> Any:
        return HelperLower

    def run_pass(self, state: Any) -> bool:
        if state.targetctx.enable_nrt and borrows(state):
            state.targetctx = state.targetctx.subtarget(enable_nrt=False)
        name, function, context = state.func_id.func_qualname, state.func_id.func, state.targetctx
        apart = hasattr(function, "out_of_line")
        state.library = (SettledLibrary if apart else HelperLibrary)(context.codegen(), name)
        state.flags.no_compile = True
        super().run_pass(state)
        result = state["cr"]
        if apart:
            state.library.get_function(result.fndesc.llvm_func_name).add_function_attribute("noinline")
        # What Numba knows an overload by; it has nothing to call.
        stand_in = _dynfunc.make_function(result.fndesc.lookup_module(), name, "", 0, result.env, (state.library,))
        context.insert_user_function(stand_in, result.fndesc, [state.library])
        state["cr"] = _LowerResult(result.fndesc, result.call_helper, cfunc=stand_in, env=result.env)
        return True


def borrows(state: Any) -> bool:
    """Whether every array in a function is an argument or a part of one, and none is returned.

    Its caller then keeps them alive: counting references would take time, twice for each slice, and code.
    """

    def counted(kind: Any) -> bool:
        return bool(state.targetctx.data_model_manager[kind].contains_nrt_meminfo())

    def views(value: Any) -> bool:
        if isinstance(value, numba_ir.Expr) and value.op == "call":
            return hasattr(getattr(state.typemap[value.func.name], "typing_key", None), "views")
        return isinstance(value, (numba_ir.Arg, numba_ir.Var)) or getattr(value, "op", "") in VIEWS

    assignments = (each for block in state.func_ir.blocks.values() for each in block.find_insts(numba_ir.Assign))
    return not counted(state.return_type) and all(
        views(each.value) for each in assignments if counted(state.typemap[each.target.name])
    )


class HelperLower(Lower):
    """Numba's lowering, with less code for ``range(stop)`` and ``range(start, stop)``: their step needs no look.

    A function that is `wide` may use the longest vectors there are, which LLVM avoids on some processors.
    """

    def setup_function(self, fndesc: Any) -> None:
        super().setup_function(fndesc)
        if hasattr(self.func_ir.func_id.func, "wide"):
            set.add(self.function.attributes, WIDE)

    def lower_expr(self, resty: Any, expr: Any) -> Any:
        if expr.op == "getiter" and resty is numba_types.range_iter64_type:
            made = self.func_ir.get_definition(expr.value)
            if getattr(made, "op", "") == "call" and len(made.args) < 3:
                return self.unit_steps(resty, expr.value.name)
        return super().lower_expr(resty, expr)

    def unit_steps(self, kind: Any, name: str) -> Any:
        """The iterator over the whole numbers of a range."""
        context, builder = self.context, self.builder
        bounds = cgutils.create_struct_proxy(self.typeof(name))(context, builder, value=self.loadvar(name))
        found = cgutils.create_struct_proxy(kind)(context, builder)
        count = builder.sub(bounds.stop, bounds.start)
        some = builder.icmp_signed(">", count, count.type(0))
        found.stop, found.step = bounds.stop, count.type(1)
        found.iter = cgutils.alloca_once_value(builder, bounds.start)
        found.count = cgutils.alloca_once_value(builder, builder.select(some, count, count.type(0)))
        return found._getvalue()


class DisjointLower(HelperLower):
    """Lowers a helper whose arrays share no memory: their numbers, not their bookkeeping, are `noalias` to LLVM."""

    def setup_function(self, fndesc: Any) -> None:
        super().setup_function(fndesc)
        for argument in self.function.args:
            if isinstance(getattr(argument.type, "pointee", None), (ir.FloatType, ir.DoubleType)):
                argument.add_attribute("noalias")


@register_pass(mutates_CFG=True, analysis_only=False)
class DisjointLowering(HelperLowering):
    """The same for such a helper."""

    _name = "numbaloss_disjoint_lowering"

    @property
    def lowering_class(self) -> Any:
        return DisjointLower


class KernelCompiler(Compiler):
    """Numba's compiler for serial kernels.

    Settled code goes through LLVM once more with its kernel, as it does in a parallel one: left out of that, it takes
    the same operands in another order, and the two twins fuse their products otherwise.
    """

    def __init__(self, *arguments: Any) -> None:
        load_array_functions()
        super().__init__(*arguments)


@cache
def load_array_functions() -> None:
    """Let Numba load its array functions, as it does before it compiles, without all of scipy.linalg.

    Numba imports that (an eighth of a second) to see whether it is there; whoever multiplies matrices has it imported.
    """
    if "numba.np.arraymath" in sys.modules or importlib.util.find_spec("scipy") is None:
        return
    from numba.np import linalg

    ensure_blas = linalg.ensure_blas
    linalg.ensure_blas = lambda: None
    try:
        arraymath: Any = importlib.import_module("numba.np.arraymath")
        arraymath.ensure_blas = ensure_blas
    finally:
        linalg.ensure_blas = ensure_blas


class HelperFlags(Flags):
    """Options that are quickly compared: Numba looks its overloads up by them, thousands of times."""

    def __hash__(self) -> int:
        return 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, HelperFlags) and self._values == other._values


class Passes(PassManager):
    """Passes with neither timings, events nor checks of their results in between."""

    def _runPass(self, index: int, pss: Any, internal_state: Any) -> None:  # noqa: N802  # Numba's name
        pss.analysis = self._analysis
        for step in (pss.run_initialization, pss.run_pass, pss.run_finalizer):
            step(internal_state)


# What helpers of this package have none of: closures, with-blocks, arrays computed with as a whole, inlined overloads.
NEEDLESS: set[Any] = {
    NopythonRewrites,
    typed_passes.AnnotateTypes,
    typed_passes.DumpParforDiagnostics,
    typed_passes.InlineOverloads,
    typed_passes.NoPythonSupportedFeatureValidation,
    untyped_passes.FindLiterallyCalls,
    untyped_passes.InlineClosureLikes,
    untyped_passes.InlineInlinables,
    untyped_passes.LiteralPropagationSubPipelinePass,
    untyped_passes.LiteralUnroll,
    untyped_passes.MakeFunctionToJitFunction,
    untyped_passes.RewriteDynamicRaises,
    untyped_passes.WithLifting,
}


class HelperCompiler(CompilerBase):
    """Numba's pipeline with that lowering, and for our own functions without what they have no use for."""

    def __init__(self, *arguments: Any) -> None:
        *before, flags, local_types = arguments
        super().__init__(*before, HelperFlags(flags), local_types)  # type: ignore[call-arg]

    def define_pipelines(self) -> list[Any]:
        function = self.state.func_id.func
        lowering = DisjointLowering if hasattr(function, "disjoint") else HelperLowering
        passes: Any = DefaultPassBuilder.define_nopython_pipeline(self.state)
        drop = NEEDLESS if (function.__module__ or "").startswith(OURS) else {NopythonRewrites}
        return [replaced(passes, {NativeLowering: lowering, **dict.fromkeys(drop)})]


def replaced(passes: Any, others: dict[Any, Any]) -> Any:
    """The same passes with some exchanged for others, and those left out that are exchanged for None."""
    kept = Passes(passes.pipeline_name)
    kept.passes = [(others.get(kind, kind), text) for kind, text in passes.passes if others.get(kind, kind) is not None]
    kept.finalize()
    return kept
