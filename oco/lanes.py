"""Several float64 as one value of a compiled kernel: arithmetic on `WIDTH` of them at once, in registers.

LLVM vectorizes a loop only where it can prove that it may, and leaves the remainder to a scalar loop: three of eleven
numbers, or all of them. Lanes state the vectors explicitly: `load` takes `WIDTH` numbers of a contiguous vector
(zeros beyond its end); ``+ - * /``, comparisons, `sqrt`, ``abs`` and `where` work lane by lane, with floats too, which
are the same in every lane; `store` writes what lies inside the vector. LLVM maps it to the processor's registers.

The body of each function says what it does, and does it where Numba is disabled.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, TypeVar, cast

import llvmlite.binding
import numba
import numpy as np
from llvmlite import ir
from numba.core import types
from numba.core.typing.templates import ConcreteTemplate, infer_global, signature
from numba.extending import intrinsic, lower_builtin, models, register_model

from oco.carried_kernels import is_numba_told
from oco.types import Array

Function = TypeVar("Function", bound=Callable[..., Any])

_HAS_WIDE = bool(llvmlite.binding.get_host_cpu_features().get("avx512f"))
WIDTH = 16 if _HAS_WIDE and not is_numba_told("x86-64-v3") else 4
"""Numbers in a value: two registers of a processor with 32 of 512 bits, one of those with 16 of 256 or 32 of 128."""
NUMBER, _WHOLE, PLACE = ir.DoubleType(), ir.IntType(64), ir.IntType(32)
VALUES = ir.VectorType(NUMBER, WIDTH)
_TRUTHS = ir.VectorType(ir.IntType(1), WIDTH)


class _Lanes(types.Type):
    """Numba's type of `WIDTH` numbers."""


class _Mask(types.Type):
    """Numba's type of `WIDTH` truth values, the outcome of a comparison."""


LANES, _MASK = _Lanes("Lanes"), _Mask("Mask")


@register_model(_Lanes)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, VALUES)  # type: ignore[no-untyped-call]


@register_model(_Mask)
class _MaskModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, _TRUTHS)  # type: ignore[no-untyped-call]


def spread_value(builder: Any, value: Any) -> Any:
    """A number in every lane; a vector is left as it is."""
    if isinstance(value.type, ir.VectorType):
        return value
    kind = ir.VectorType(value.type, WIDTH)
    single = builder.insert_element(ir.Constant(kind, ir.Undefined), value, PLACE(0))
    everywhere = ir.Constant(ir.VectorType(PLACE, WIDTH), [0] * WIDTH)
    return builder.shuffle_vector(single, ir.Constant(kind, ir.Undefined), everywhere)


def _first(builder: Any, count: Any) -> Any:
    """The mask of the first ``count`` lanes."""
    numbers = ir.Constant(ir.VectorType(_WHOLE, WIDTH), list(range(WIDTH)))
    return builder.icmp_signed("<", numbers, spread_value(builder, count))


def call_intrinsic(builder: Any, name: str, result: Any, *arguments: Any, **options: Any) -> Any:
    """LLVM's intrinsic function ``name``, for vectors of `WIDTH` numbers."""
    name = f"llvm.{name}.v{WIDTH}f64"
    kind = ir.FunctionType(result, [argument.type for argument in arguments])
    function = builder.module.globals.get(name) or ir.Function(builder.module, kind, name)
    return builder.call(function, arguments, **options)


def _operator(function: Any, result: Any, arguments: list[tuple[Any, ...]], emit: Callable[..., Any]) -> None:
    """Give Python's operator a meaning for lanes in kernels."""

    class Template(ConcreteTemplate):
        cases = [signature(result, *case) for case in arguments]  # type: ignore[no-untyped-call]

    def lower(context: Any, builder: Any, sig: Any, values: Any) -> Any:
        return emit(builder, *(spread_value(builder, value) for value in values))

    infer_global(function)(Template)  # type: ignore[no-untyped-call]
    for case in arguments:
        lower_builtin(function, *case)(lower)  # type: ignore[no-untyped-call]


def _teach_operators() -> None:
    pairs = [(LANES, LANES), (LANES, types.float64), (types.float64, LANES)]
    for function in (operator.add, operator.iadd):
        _operator(function, LANES, pairs, lambda builder, left, right: builder.fadd(left, right))
    for function in (operator.sub, operator.isub):
        _operator(function, LANES, pairs, lambda builder, left, right: builder.fsub(left, right))
    for function in (operator.mul, operator.imul):
        _operator(function, LANES, pairs, lambda builder, left, right: builder.fmul(left, right))
    for function in (operator.truediv, operator.itruediv):
        _operator(function, LANES, pairs, lambda builder, left, right: builder.fdiv(left, right))
    _operator(operator.lt, _MASK, pairs, lambda builder, left, right: builder.fcmp_ordered("<", left, right))
    _operator(operator.le, _MASK, pairs, lambda builder, left, right: builder.fcmp_ordered("<=", left, right))
    _operator(operator.gt, _MASK, pairs, lambda builder, left, right: builder.fcmp_ordered(">", left, right))
    _operator(operator.ge, _MASK, pairs, lambda builder, left, right: builder.fcmp_ordered(">=", left, right))
    _operator(operator.eq, _MASK, pairs, lambda builder, left, right: builder.fcmp_ordered("==", left, right))
    _operator(operator.neg, LANES, [(LANES,)], lambda builder, lanes: builder.fneg(lanes))
    _operator(abs, LANES, [(LANES,)], lambda builder, lanes: call_intrinsic(builder, "fabs", VALUES, lanes))
    _operator(operator.and_, _MASK, [(_MASK, _MASK)], lambda builder, left, right: builder.and_(left, right))
    _operator(operator.or_, _MASK, [(_MASK, _MASK)], lambda builder, left, right: builder.or_(left, right))
    _operator(operator.invert, _MASK, [(_MASK,)], lambda builder, mask: builder.not_(mask))


_teach_operators()


def operation(typed: Callable[..., Any]) -> Callable[[Function], Function]:
    """Compile a function's calls to what ``typed(context, types...)`` says: their signature, and how to emit them."""

    def decorate(function: Function) -> Function:
        if numba.config.DISABLE_JIT:  # type: ignore[attr-defined]
            return function
        typed.__name__ = function.__name__
        return cast(Function, intrinsic(typed))

    return decorate


def _address(context: Any, builder: Any, kind: Any, vector: Any, start: Any) -> tuple[Any, Any]:
    """Where entry ``start`` of ``vector`` is, and how many entries there are from it on."""
    array = context.make_array(kind)(context, builder, vector)
    address = builder.bitcast(builder.gep(array.data, [start]), VALUES.as_pointer())
    return address, builder.sub(builder.extract_value(array.shape, 0), start)


def _contiguous(kind: Any) -> bool:
    return bool(isinstance(kind, types.Array) and kind.ndim == 1 and kind.layout == "C" and kind.dtype == types.float64)


def _load(context: Any, vector: Any, start: Any) -> Any:
    def emit(context: Any, builder: Any, sig: Any, arguments: Any) -> Any:
        address, left = _address(context, builder, sig.args[0], *arguments)
        zeros = ir.Constant(VALUES, [0.0] * WIDTH)
        with builder.if_else(builder.icmp_signed(">=", left, _WHOLE(WIDTH))) as (inside, across):
            with inside:
                whole, from_inside = builder.load(address, align=8), builder.block
            with across:
                part = call_intrinsic(builder, "masked.load", VALUES, address, PLACE(8), _first(builder, left), zeros)
                from_across = builder.block
        lanes = builder.phi(VALUES)
        lanes.add_incoming(whole, from_inside)
        lanes.add_incoming(part, from_across)
        return lanes

    return (signature(LANES, vector, types.int64), emit) if _contiguous(vector) else None  # type: ignore[no-untyped-call]


def _store(context: Any, vector: Any, start: Any, lanes: Any) -> Any:
    def emit(context: Any, builder: Any, sig: Any, arguments: Any) -> Any:
        address, left = _address(context, builder, sig.args[0], arguments[0], arguments[1])
        with builder.if_else(builder.icmp_signed(">=", left, _WHOLE(WIDTH))) as (inside, across):
            with inside:
                builder.store(arguments[2], address, align=8)
            with across:
                mask, void = _first(builder, left), ir.VoidType()
                call_intrinsic(builder, "masked.store", void, arguments[2], address, PLACE(8), mask)
        return context.get_dummy_value()

    return (signature(types.none, vector, types.int64, LANES), emit) if _contiguous(vector) else None  # type: ignore[no-untyped-call]


def _of_all(name: str) -> Callable[..., Any]:
    """An operation of lanes that LLVM has a function for."""

    def typed(context: Any, lanes: Any) -> Any:
        def emit(context: Any, builder: Any, sig: Any, arguments: Any) -> Any:
            return call_intrinsic(builder, name, VALUES, arguments[0])

        return signature(LANES, LANES), emit  # type: ignore[no-untyped-call]

    return typed


def _multiply_add(context: Any, left: Any, right: Any, summand: Any) -> Any:
    def emit(context: Any, builder: Any, sig: Any, arguments: Any) -> Any:
        return call_intrinsic(builder, "fmuladd", VALUES, *(spread_value(builder, value) for value in arguments))

    return signature(LANES, left, right, summand), emit  # type: ignore[no-untyped-call]


def _total(context: Any, lanes: Any) -> Any:
    def emit(context: Any, builder: Any, sig: Any, arguments: Any) -> Any:
        return call_intrinsic(builder, "vector.reduce.fadd", NUMBER, NUMBER(-0.0), arguments[0], fastmath=("reassoc",))

    return signature(types.float64, LANES), emit  # type: ignore[no-untyped-call]


def _to_lanes(context: Any, value: Any) -> Any:
    def emit(context: Any, builder: Any, sig: Any, arguments: Any) -> Any:
        return spread_value(builder, arguments[0])

    return signature(LANES, types.float64), emit  # type: ignore[no-untyped-call]


def _choose(context: Any, condition: Any, chosen: Any, otherwise: Any) -> Any:
    def emit(context: Any, builder: Any, sig: Any, arguments: Any) -> Any:
        return builder.select(arguments[0], spread_value(builder, arguments[1]), spread_value(builder, arguments[2]))

    return signature(LANES, _MASK, chosen, otherwise), emit  # type: ignore[no-untyped-call]


def _first_lanes(context: Any, count: Any) -> Any:
    def emit(context: Any, builder: Any, sig: Any, arguments: Any) -> Any:
        return _first(builder, arguments[0])

    return signature(_MASK, types.int64), emit  # type: ignore[no-untyped-call]


def _holds_anywhere(context: Any, mask: Any) -> Any:
    def emit(context: Any, builder: Any, sig: Any, arguments: Any) -> Any:
        bits = ir.IntType(WIDTH)
        return builder.icmp_unsigned("!=", builder.bitcast(arguments[0], bits), bits(0))

    return signature(types.boolean, _MASK), emit  # type: ignore[no-untyped-call]


@operation(_load)
def load(vector: Array, start: int) -> Any:
    """``vector[start : start + WIDTH]``, and zeros beyond the vector's end."""
    lanes = np.zeros(WIDTH)
    part = vector[start : start + WIDTH]
    lanes[: part.size] = part
    return lanes


@operation(_store)
def store(vector: Array, start: int, lanes: Any) -> None:
    """``vector[start : start + WIDTH] = lanes``, as far as the vector goes."""
    part = vector[start : start + WIDTH]
    part[:] = lanes[: part.size]


@operation(_to_lanes)
def spread(value: float) -> Any:
    """``value`` in every lane."""
    return np.full(WIDTH, value)


@operation(_of_all("sqrt"))
def sqrt(lanes: Any) -> Any:
    """The square root of each."""
    return np.sqrt(lanes)


@operation(_multiply_add)
def multiply_add(left: Any, right: Any, summand: Any) -> Any:
    """``left * right + summand``, rounded once where the processor can."""
    return left * right + summand


@operation(_choose)
def where(condition: Any, chosen: Any, otherwise: Any) -> Any:
    """``chosen`` in the lanes where the condition holds, ``otherwise`` in the others."""
    return np.where(condition, chosen, otherwise)


@operation(_first_lanes)
def first(count: int) -> Any:
    """The condition that holds in the first ``count`` lanes."""
    return np.arange(WIDTH) < count


@operation(_holds_anywhere)
def anywhere(condition: Any) -> bool:
    """Whether the condition holds in a lane."""
    return bool(np.any(condition))


@operation(_total)
def total(lanes: Any) -> float:
    """The sum of all lanes, in an order of the compiler's."""
    return float(np.sum(lanes))
