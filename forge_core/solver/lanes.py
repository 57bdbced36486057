"""Rows of 64 int8 lanes inside Numba kernels, and the bit operations that go with them.

A `Row` is an LLVM vector: on a machine with AVX-512 every operation here is one or two instructions, elsewhere LLVM
splits it. A set of lanes is a uint64, bit m for lane m.
"""

from collections.abc import Callable
from typing import Any, cast

from llvmlite import ir
from numba import extending, types
from numba.core import cgutils
from numba.core.datamodel import models

# What Numba makes of these functions takes other arguments than they do: neither decorator keeps types.
intrinsic: Callable[[Any], Any] = cast(Any, extending).intrinsic
register_model: Callable[[Any], Any] = cast(Any, extending).register_model

LANES = 64
_VECTOR = ir.VectorType(ir.IntType(8), LANES)
_MASK = ir.VectorType(ir.IntType(1), LANES)


class RowType(types.Type):
    """The Numba type of a row."""

    def __init__(self) -> None:
        super().__init__(name="Row64xInt8")


row_type = RowType()


@register_model(RowType)
class _RowModel(models.PrimitiveModel):
    def __init__(self, manager: Any, front_end: RowType) -> None:
        super().__init__(manager, front_end, _VECTOR)


def _pointer(context: Any, builder: Any, array_type: Any, array: Any, offset: Any) -> Any:
    data = context.make_array(array_type)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [offset]), _VECTOR.as_pointer())


@intrinsic
def row_load(_: Any, array: Any, offset: Any) -> Any:
    """The 64 bytes of a flat int8 array from an offset (intp) on; any alignment."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.load(_pointer(context, builder, signature.args[0], *args), align=1)

    return row_type(array, types.intp), build


@intrinsic
def row_store(_: Any, array: Any, offset: Any, row: Any) -> Any:
    """Write a row to a flat int8 array at an offset (intp)."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        builder.store(args[2], _pointer(context, builder, signature.args[0], args[0], args[1]), align=1)
        return context.get_dummy_value()

    return types.void(array, types.intp, row_type), build


def _splat(builder: Any, scalar: Any) -> Any:
    byte = builder.trunc(scalar, ir.IntType(8)) if scalar.type.width > 8 else scalar
    vector = builder.insert_element(ir.Constant(_VECTOR, cast(Any, ir).Undefined), byte, ir.Constant(ir.IntType(32), 0))
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
    return builder.shuffle_vector(vector, vector, zeros)


@intrinsic
def row_splat(_: Any, scalar: Any) -> Any:
    """A row with the same number (an integer that fits int8) in every lane."""

    def build(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        return _splat(builder, args[0])

    return row_type(scalar), build


@intrinsic
def row_plus(_: Any, row: Any, scalar: Any) -> Any:
    """The row with an integer (that fits int8) added to every lane."""

    def build(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        return builder.add(args[0], _splat(builder, args[1]))

    return row_type(row_type, scalar), build


def _choose(comparison: str) -> Any:
    def typed(_: Any, a: Any, b: Any) -> Any:
        def build(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
            return builder.select(builder.icmp_signed(comparison, args[0], args[1]), args[0], args[1])

        return row_type(row_type, row_type), build

    return typed


row_max = intrinsic(_choose(">"))
row_min = intrinsic(_choose("<"))


@intrinsic
def row_where(_: Any, lanes: Any, chosen: Any, other: Any) -> Any:
    """`chosen` in the lanes of a uint64 set, `other` elsewhere."""

    def build(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        return builder.select(builder.bitcast(args[0], _MASK), args[1], args[2])

    return row_type(types.uint64, row_type, row_type), build


@intrinsic
def popcount(_: Any, lanes: Any) -> Any:
    """The number of lanes in a uint64 set, as int64."""

    def build(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        return builder.ctpop(args[0])

    return types.int64(types.uint64), build


@intrinsic
def lowest(_: Any, bits: Any) -> Any:
    """The index of the lowest set bit of an int64 that is not 0."""

    def build(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        return builder.cttz(args[0], cgutils.true_bit)

    return types.int64(types.int64), build
