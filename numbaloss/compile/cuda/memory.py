"""How a kernel reads and writes device memory: one element or 16 bytes at a time, 16-bit floats as float32.

Each function is written for LLVM and, as `plain`, for the simulator. This is the only module that would have to change
for another CUDA compiler.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from llvmlite import ir

Function = Callable[..., Any]

I16, I32, F32, F64 = ir.IntType(16), ir.IntType(32), ir.FloatType(), ir.DoubleType()


@dataclass(frozen=True)
class Storage:
    """A floating type in memory: what it is computed in, and how many of it make 16 bytes."""

    name: str
    real: np.dtype[Any]
    bits: np.dtype[Any]  # the type of the elements as kernels and the simulator see them
    width: int


FLOAT32, FLOAT64 = np.dtype(np.float32), np.dtype(np.float64)
STORAGES = {
    storage.name: storage
    for storage in (
        Storage("float32", FLOAT32, FLOAT32, 4),
        Storage("float64", FLOAT64, FLOAT64, 2),
        Storage("float16", FLOAT32, np.dtype(np.float16), 8),
        Storage("bfloat16", FLOAT32, np.dtype(np.uint16), 8),
    )
}


@cache
def accessors(name: str) -> dict[str, Function]:
    """What `load`, `store`, their vector forms, `load_four` and `store_four` mean for memory of one storage type."""
    storage = STORAGES[name]
    return {
        "load": loader(storage),
        "store": storer(storage),
        "load_vector": vector_loader(storage),
        "store_vector": vector_storer(storage),
        "vector": viewer(storage),
        "load_four": block_loader(storage),
        "store_four": scratch_storer(storage),
    }


def intrinsic(plain: Function) -> Callable[[Function], Any]:
    """Makes a Numba intrinsic of a typing function; the simulator calls `plain` instead."""

    def made(typing: Function) -> Any:
        from numba.cuda.extending import intrinsic as numba_intrinsic

        function: Any = numba_intrinsic(typing)
        function.plain = plain
        return function

    return made


def loader(storage: Storage) -> Any:
    from numba import types

    real = getattr(types, storage.real.name)

    @intrinsic(lambda pointer, i: pointer.read(i, storage.name))
    def load(typing: Any, pointer: Any, i: Any) -> Any:
        """The element at `i`, in the type of the arithmetic."""

        def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return widened(builder, storage.name, builder.load(address(builder, storage.name, *arguments)))

        return real(pointer, i), code

    return load


def storer(storage: Storage) -> Any:
    from numba import types

    real = getattr(types, storage.real.name)

    @intrinsic(lambda pointer, i, value: pointer.write(i, value, storage.name))
    def store(typing: Any, pointer: Any, i: Any, value: Any) -> Any:
        """Writes one element, rounded to nearest even."""

        def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            place = address(builder, storage.name, *arguments[:2])
            builder.store(narrowed(builder, storage.name, arguments[2]), place)
            return context.get_dummy_value()

        return types.void(pointer, i, real), code

    return store


def vector_loader(storage: Storage) -> Any:
    from numba import types

    width, real = storage.width, getattr(types, storage.real.name)

    def plain(pointer: Any, i: int) -> tuple[Any, ...]:
        pointer.check_aligned(i, width)
        return tuple(pointer.read(i + k, storage.name) for k in range(width))

    @intrinsic(plain)
    def load_vector(typing: Any, pointer: Any, i: Any) -> Any:
        """The elements in the 16 aligned bytes from `i` on."""
        result = types.UniTuple(real, width)

        def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            kind = lanes(storage)
            place = builder.bitcast(address(builder, storage.name, *arguments), kind.as_pointer())
            vector = builder.load(place)
            vector.align = 16
            items = [builder.extract_element(vector, I32(k)) for k in range(kind.count)]
            if storage.width == 8:
                items = [half for word in items for half in halves(builder, storage.name, word)]
            return context.make_tuple(builder, result, items)

        return result(pointer, i), code

    return load_vector


def vector_storer(storage: Storage) -> Any:
    from numba import types

    width = storage.width

    def plain(pointer: Any, i: int, values: tuple[Any, ...]) -> None:
        pointer.check_aligned(i, width)
        for k in range(width):
            pointer.write(i + k, values[k], storage.name)

    @intrinsic(plain)
    def store_vector(typing: Any, pointer: Any, i: Any, values: Any) -> Any:
        """Writes the 16 aligned bytes from `i` on."""

        def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            kind = lanes(storage)
            items = [builder.extract_value(arguments[2], k) for k in range(width)]
            if width == 8:
                items = [word(builder, storage.name, items[2 * k], items[2 * k + 1]) for k in range(4)]
            vector = ir.Constant(kind, ir.Undefined)
            for k, item in enumerate(items):
                vector = builder.insert_element(vector, item, I32(k))
            place = builder.bitcast(address(builder, storage.name, *arguments[:2]), kind.as_pointer())
            builder.store(vector, place).align = 16
            return context.get_dummy_value()

        return types.void(pointer, i, values), code

    return store_vector


def viewer(storage: Storage) -> Any:
    from numba import types

    kind = types.Array(getattr(types, storage.real.name), 1, "C")

    @intrinsic(lambda pointer, start, size: pointer.part(start, size))
    def vector(typing: Any, pointer: Any, start: Any, size: Any) -> Any:
        """Memory of the type of the arithmetic as an array, as a user's function takes it."""

        def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            from numba.np.arrayobj import make_array, populate_array

            made = make_array(kind)(context, builder)
            step = context.get_constant(types.intp, storage.real.itemsize)
            data = address(builder, storage.real.name, *arguments[:2])
            populate_array(made, data=data, shape=[arguments[2]], strides=[step], itemsize=step, meminfo=None)
            return made._getvalue()

        return kind(pointer, types.int64, types.int64), code

    return vector


def block_loader(storage: Storage) -> Any:
    from numba import types

    result = types.UniTuple(getattr(types, storage.real.name), 4)

    def plain(memory: Any, i: int) -> tuple[Any, ...]:
        if i % 4:
            raise IndexError(f"four elements of the block's memory from {i} on, which is not aligned")
        return tuple(memory[i + k] for k in range(4))

    @intrinsic(plain)
    def load_four(typing: Any, memory: Any, i: Any) -> Any:
        """Four elements of the block's memory, aligned as such, in the type of the arithmetic."""

        def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            kind = ir.VectorType(element_type(storage.real.name), 4)
            data = context.make_array(memory)(context, builder, arguments[0]).data
            vector = builder.load(builder.bitcast(builder.gep(data, [arguments[1]]), kind.as_pointer()))
            vector.align = 16
            return context.make_tuple(builder, result, [builder.extract_element(vector, I32(k)) for k in range(4)])

        return result(memory, i), code

    return load_four


def scratch_storer(storage: Storage) -> Any:
    from numba import types

    name = storage.real.name
    four = types.UniTuple(getattr(types, name), 4)

    def plain(pointer: Any, i: int, values: tuple[Any, ...]) -> None:
        for k in range(0, 4, STORAGES[name].width):
            pointer.check_aligned(i + k, STORAGES[name].width)
        for k in range(4):
            pointer[i + k] = values[k]

    @intrinsic(plain)
    def store_four(typing: Any, pointer: Any, i: Any, values: Any) -> Any:
        """Writes four elements of scratch memory, which is in the type of the arithmetic, 16 bytes at a time."""

        def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            kind = ir.VectorType(element_type(name), 4)
            vector = ir.Constant(kind, ir.Undefined)
            for k in range(4):
                vector = builder.insert_element(vector, builder.extract_value(arguments[2], k), I32(k))
            place = builder.bitcast(address(builder, name, *arguments[:2]), kind.as_pointer())
            builder.store(vector, place).align = 16
            return context.get_dummy_value()

        return types.void(pointer, i, four), code

    return store_four


# ---- LLVM


def element_type(name: str) -> Any:
    return {"float32": F32, "float64": F64}.get(name, I16)


def lanes(storage: Storage) -> Any:
    """The 16 bytes as LLVM sees them; two 16-bit floats travel as one word."""
    return ir.VectorType(I32, 4) if storage.width == 8 else ir.VectorType(element_type(storage.name), storage.width)


def address(builder: Any, name: str, pointer: Any, i: Any) -> Any:
    return builder.gep(builder.bitcast(pointer, element_type(name).as_pointer()), [i])


def assembler(builder: Any, result: Any, text: str, constraints: str, *arguments: Any) -> Any:
    kind = ir.FunctionType(result, [argument.type for argument in arguments])
    return builder.call(ir.InlineAsm(kind, text, constraints, False), arguments)


def widened(builder: Any, name: str, bits: Any) -> Any:
    """A 16-bit float as float32; others as they are."""
    if name == "bfloat16":
        return builder.bitcast(builder.shl(builder.zext(bits, I32), I32(16)), F32)
    if name == "float16":
        return assembler(builder, F32, "cvt.f32.f16 $0, $1;", "=f,h", bits)
    return bits


def narrowed(builder: Any, name: str, value: Any) -> Any:
    """A float32 as 16-bit float; others as they are."""
    if name in ("bfloat16", "float16"):
        return assembler(builder, I16, f"cvt.rn.{short(name)}.f32 $0, $1;", "=h,f", value)
    return value


def halves(builder: Any, name: str, word: Any) -> tuple[Any, Any]:
    """The two 16-bit floats of one word as float32, the lower first."""
    if name == "bfloat16":
        low, high = builder.shl(word, I32(16)), builder.and_(word, I32(0xFFFF0000))
        return builder.bitcast(low, F32), builder.bitcast(high, F32)
    low, high = builder.trunc(word, I16), builder.trunc(builder.lshr(word, I32(16)), I16)
    return widened(builder, name, low), widened(builder, name, high)


def word(builder: Any, name: str, low: Any, high: Any) -> Any:
    """Two float32 as one word of 16-bit floats (compute capability 8.0 and later)."""
    return assembler(builder, I32, f"cvt.rn.{short(name)}x2.f32 $0, $1, $2;", "=r,f,f", high, low)


def short(name: str) -> str:
    return "bf16" if name == "bfloat16" else "f16"
