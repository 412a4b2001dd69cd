"""How helpers are compiled: to LLVM code only, which their kernel links in and emits.

Numba optimises every function it compiles and makes machine code of it, whoever calls it. Helpers are called by kernels
alone, which inline them: without that work of its own for each, a kernel compiles in two thirds of the time.

A helper marked `out_of_line` stays a function, and is optimised by itself: a kernel's serial and parallel twin take on
the same code. From then on its arithmetic is fixed (the leave to reassociate is taken back), since LLVM goes over the
two twins a different number of times.
"""

from __future__ import annotations

import re
from typing import Any

import llvmlite.binding as llvm
from llvmlite import ir
from numba import _dynfunc  # type: ignore[attr-defined]  # a C extension
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import CompilerBase, DefaultPassBuilder, _LowerResult
from numba.core.compiler_machinery import register_pass
from numba.core.lowering import Lower
from numba.core.typed_passes import NativeLowering, NopythonRewrites

REVISION = 1  # raised when kernels come out of this module otherwise than before; part of the cache's key
# Leave to reassociate, but for the sum over the lanes of a vector (a fixed tree of additions, in order without it).
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

    def run_pass(self, state: Any) -> bool:
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


class DisjointLower(Lower):
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


class HelperCompiler(CompilerBase):
    """Numba's pipeline with that lowering."""

    def define_pipelines(self) -> list[Any]:
        lowering = DisjointLowering if hasattr(self.state.func_id.func, "disjoint") else HelperLowering
        passes: Any = DefaultPassBuilder.define_nopython_pipeline(self.state)
        passes.passes = [
            (lowering if kind is NativeLowering else kind, text)
            for kind, text in passes.passes
            if kind is not NopythonRewrites  # of expressions over whole arrays, which helpers have none of
        ]
        passes.finalize()
        return [passes]
