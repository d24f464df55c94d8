"""What `oco.lanes` means in kernels: Numba's types of lanes, and the code that LLVM gets for each operation."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numba
from llvmlite import ir
from numba.core import types
from numba.core.typing.templates import ConcreteTemplate, infer_global, signature
from numba.extending import lower_builtin, models, register_model, type_callable

from oco import lanes
from oco.lanes import WIDTH

_NUMBER, _WHOLE, _PLACE = ir.DoubleType(), ir.IntType(64), ir.IntType(32)
_VALUES = ir.VectorType(_NUMBER, WIDTH)
_TRUTHS = ir.VectorType(ir.IntType(1), WIDTH)
_HAS_ESTIMATE = WIDTH == 16 and numba.config.CPU_NAME != "x86-64-v3"  # type: ignore[attr-defined]


class _Lanes(types.Type):
    """Numba's type of `WIDTH` numbers."""


class _Mask(types.Type):
    """Numba's type of `WIDTH` truth values, the outcome of a comparison."""


_LANES, _MASK = _Lanes("Lanes"), _Mask("Mask")


@register_model(_Lanes)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, _VALUES)  # type: ignore[no-untyped-call]


@register_model(_Mask)
class _MaskModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, _TRUTHS)  # type: ignore[no-untyped-call]


def _spread(builder: Any, value: Any) -> Any:
    """A number in every lane; a vector is left as it is."""
    if isinstance(value.type, ir.VectorType):
        return value
    kind = ir.VectorType(value.type, WIDTH)
    single = builder.insert_element(ir.Constant(kind, ir.Undefined), value, _PLACE(0))
    everywhere = ir.Constant(ir.VectorType(_PLACE, WIDTH), [0] * WIDTH)
    return builder.shuffle_vector(single, ir.Constant(kind, ir.Undefined), everywhere)


def _first(builder: Any, count: Any) -> Any:
    """The mask of the first ``count`` lanes."""
    numbers = ir.Constant(ir.VectorType(_WHOLE, WIDTH), list(range(WIDTH)))
    return builder.icmp_signed("<", numbers, _spread(builder, count))


def _called(builder: Any, name: str, result: Any, *arguments: Any, **options: Any) -> Any:
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
        return emit(builder, *(_spread(builder, value) for value in values))

    infer_global(function)(Template)  # type: ignore[no-untyped-call]
    for case in arguments:
        lower_builtin(function, *case)(lower)  # type: ignore[no-untyped-call]


def _teach_operators() -> None:
    pairs = [(_LANES, _LANES), (_LANES, types.float64), (types.float64, _LANES)]
    for function in (operator.add, operator.iadd):
        _operator(function, _LANES, pairs, lambda builder, left, right: builder.fadd(left, right))
    for function in (operator.sub, operator.isub):
        _operator(function, _LANES, pairs, lambda builder, left, right: builder.fsub(left, right))
    for function in (operator.mul, operator.imul):
        _operator(function, _LANES, pairs, lambda builder, left, right: builder.fmul(left, right))
    for function in (operator.truediv, operator.itruediv):
        _operator(function, _LANES, pairs, lambda builder, left, right: builder.fdiv(left, right))
    _operator(operator.lt, _MASK, pairs, lambda builder, left, right: builder.fcmp_ordered("<", left, right))
    _operator(operator.le, _MASK, pairs, lambda builder, left, right: builder.fcmp_ordered("<=", left, right))
    _operator(operator.gt, _MASK, pairs, lambda builder, left, right: builder.fcmp_ordered(">", left, right))
    _operator(operator.ge, _MASK, pairs, lambda builder, left, right: builder.fcmp_ordered(">=", left, right))
    _operator(operator.eq, _MASK, pairs, lambda builder, left, right: builder.fcmp_ordered("==", left, right))
    _operator(operator.neg, _LANES, [(_LANES,)], lambda builder, values: builder.fneg(values))
    _operator(abs, _LANES, [(_LANES,)], lambda builder, values: _called(builder, "fabs", _VALUES, values))
    _operator(operator.and_, _MASK, [(_MASK, _MASK)], lambda builder, left, right: builder.and_(left, right))
    _operator(operator.or_, _MASK, [(_MASK, _MASK)], lambda builder, left, right: builder.or_(left, right))
    _operator(operator.invert, _MASK, [(_MASK,)], lambda builder, mask: builder.not_(mask))


_teach_operators()


def _address(context: Any, builder: Any, kind: Any, vector: Any, start: Any) -> tuple[Any, Any]:
    """Where entry ``start`` of ``vector`` is, and how many entries there are from it on."""
    array = context.make_array(kind)(context, builder, vector)
    address = builder.bitcast(builder.gep(array.data, [start]), _VALUES.as_pointer())
    return address, builder.sub(builder.extract_value(array.shape, 0), start)


def _contiguous(kind: Any) -> bool:
    return bool(isinstance(kind, types.Array) and kind.ndim == 1 and kind.layout == "C" and kind.dtype == types.float64)


def _load(context: Any, builder: Any, sig: Any, arguments: Any) -> Any:
    address, left = _address(context, builder, sig.args[0], *arguments)
    zeros = ir.Constant(_VALUES, [0.0] * WIDTH)
    with builder.if_else(builder.icmp_signed(">=", left, _WHOLE(WIDTH))) as (inside, across):
        with inside:
            whole, from_inside = builder.load(address, align=8), builder.block
        with across:
            part = _called(builder, "masked.load", _VALUES, address, _PLACE(8), _first(builder, left), zeros)
            from_across = builder.block
    values = builder.phi(_VALUES)
    values.add_incoming(whole, from_inside)
    values.add_incoming(part, from_across)
    return values


def _store(context: Any, builder: Any, sig: Any, arguments: Any) -> Any:
    address, left = _address(context, builder, sig.args[0], arguments[0], arguments[1])
    with builder.if_else(builder.icmp_signed(">=", left, _WHOLE(WIDTH))) as (inside, across):
        with inside:
            builder.store(arguments[2], address, align=8)
        with across:
            mask, void = _first(builder, left), ir.VoidType()
            _called(builder, "masked.store", void, arguments[2], address, _PLACE(8), mask)
    return context.get_dummy_value()


def _total(builder: Any, values: Any) -> Any:
    return _called(builder, "vector.reduce.fadd", _NUMBER, _NUMBER(-0.0), values, fastmath=("reassoc",))


def _add_products(builder: Any, start: Any, left: Any, right: Any) -> Any:
    result = start
    for place in map(_PLACE, range(WIDTH)):
        result = builder.fadd(result, builder.fmul(*(builder.extract_element(each, place) for each in (left, right))))
    return result


def _multiply_add(builder: Any, *values: Any) -> Any:
    return _called(builder, "fmuladd", _VALUES, *(_spread(builder, value) for value in values))


def _choose(builder: Any, condition: Any, chosen: Any, otherwise: Any) -> Any:
    return builder.select(condition, _spread(builder, chosen), _spread(builder, otherwise))


def _anywhere(builder: Any, mask: Any) -> Any:
    bits = ir.IntType(WIDTH)
    return builder.icmp_unsigned("!=", builder.bitcast(mask, bits), bits(0))


def _inverse_sqrt(builder: Any, values: Any) -> Any:
    if not _HAS_ESTIMATE:
        return builder.fdiv(_spread(builder, _NUMBER(1.0)), _called(builder, "sqrt", _VALUES, values))
    # 1 / sqrt(t) = y / sqrt(1 - e) with e = 1 - t y^2, at most 2^-13: four terms of the series.
    estimate = _estimate(builder, values)
    product = builder.fneg(builder.fmul(values, estimate))
    error = _fma(builder, product, estimate, _NUMBER(1.0))
    series = _fma(builder, _fma(builder, error, _NUMBER(0.3125), _NUMBER(0.375)), error, _NUMBER(0.5))
    return _fma(builder, builder.fmul(estimate, error), series, estimate)


def _fma(builder: Any, *factors_and_summand: Any) -> Any:
    """A product and a sum, rounded once."""
    return _called(builder, "fma", _VALUES, *(_spread(builder, value) for value in factors_and_summand))


def _estimate(builder: Any, values: Any) -> Any:
    """The processor's reciprocal square roots, to 14 binary digits, of two registers."""
    register, name = ir.VectorType(_NUMBER, 8), "llvm.x86.avx512.rsqrt14.pd.512"
    kind = ir.FunctionType(register, [register, register, ir.IntType(8)])
    function = builder.module.globals.get(name) or ir.Function(builder.module, kind, name)
    halves = []
    for places in (range(8), range(8, 16)):
        half = builder.shuffle_vector(values, values, ir.Constant(ir.VectorType(_PLACE, 8), list(places)))
        halves.append(builder.call(function, [half, ir.Constant(register, [0.0] * 8), ir.IntType(8)(255)]))
    return builder.shuffle_vector(*halves, ir.Constant(ir.VectorType(_PLACE, 16), list(range(16))))


def _function(function: Any, typed: Callable[..., Any], emit: Callable[..., Any]) -> None:
    """Give a function of `oco.lanes` a meaning in kernels; ``typed`` is its signature by the types of its arguments."""
    type_callable(function)(lambda context: typed)
    lower_builtin(function, types.VarArg(types.Any))(emit)  # type: ignore[no-untyped-call]


def _of_values(emit: Callable[..., Any]) -> Callable[..., Any]:
    """Code that needs nothing but the values of the arguments."""
    return lambda context, builder, sig, arguments: emit(builder, *arguments)


def _signed(result: Any, *arguments: Any) -> Any:
    return signature(result, *arguments)  # type: ignore[no-untyped-call]


def _teach_functions() -> None:
    def of_vector(result: Any, vector: Any, *others: Any) -> Any:
        return _signed(result, vector, types.int64, *others) if _contiguous(vector) else None

    _function(lanes.load, lambda vector, start: of_vector(_LANES, vector), _load)
    _function(lanes.store, lambda vector, start, values: of_vector(types.none, vector, _LANES), _store)
    operations: list[tuple[Any, Callable[..., Any], Callable[..., Any]]] = [
        (lanes.spread, lambda value: _signed(_LANES, types.float64), _spread),
        (
            lanes.sqrt,
            lambda values: _signed(_LANES, _LANES),
            lambda builder, values: _called(builder, "sqrt", _VALUES, values),
        ),
        (lanes.inverse_sqrt, lambda values: _signed(_LANES, _LANES), _inverse_sqrt),
        (lanes.multiply_add, lambda left, right, summand: _signed(_LANES, left, right, summand), _multiply_add),
        (lanes.where, lambda condition, chosen, otherwise: _signed(_LANES, _MASK, chosen, otherwise), _choose),
        (lanes.first, lambda count: _signed(_MASK, types.int64), _first),
        (lanes.anywhere, lambda mask: _signed(types.boolean, _MASK), _anywhere),
        (
            lanes.add_products,
            lambda start, left, right: _signed(types.float64, types.float64, _LANES, _LANES),
            _add_products,
        ),
        (lanes.total, lambda values: _signed(types.float64, _LANES), _total),
    ]
    for function, typed, emit in operations:
        _function(function, typed, _of_values(emit))


_teach_functions()
