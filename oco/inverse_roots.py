"""Reciprocal square roots of lanes, without the processor's slow root and quotient where it has an estimate."""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba.core.typing.templates import signature

from oco.lanes import LANES, NUMBER, PLACE, VALUES, WIDTH, call_intrinsic, operation, spread_value


def _inverse_sqrt(context: Any, lanes: Any) -> Any:
    def emit(context: Any, builder: Any, sig: Any, arguments: Any) -> Any:
        (values,) = arguments
        if WIDTH != 16:
            return builder.fdiv(spread_value(builder, NUMBER(1.0)), call_intrinsic(builder, "sqrt", VALUES, values))
        # 1 / sqrt(t) = y / sqrt(1 - e) with e = 1 - t y^2, at most 2^-13: four terms of the series.
        estimate = _estimate(builder, values)
        product = builder.fneg(builder.fmul(values, estimate))
        error = _fma(builder, product, estimate, NUMBER(1.0))
        series = _fma(builder, _fma(builder, error, NUMBER(0.3125), NUMBER(0.375)), error, NUMBER(0.5))
        return _fma(builder, builder.fmul(estimate, error), series, estimate)

    return signature(LANES, LANES), emit  # type: ignore[no-untyped-call]


def _fma(builder: Any, *factors_and_summand: Any) -> Any:
    """A product and a sum, rounded once."""
    return call_intrinsic(builder, "fma", VALUES, *(spread_value(builder, value) for value in factors_and_summand))


def _estimate(builder: Any, values: Any) -> Any:
    """The processor's reciprocal square roots, to 14 binary digits, of two registers."""
    register, name = ir.VectorType(NUMBER, 8), "llvm.x86.avx512.rsqrt14.pd.512"
    kind = ir.FunctionType(register, [register, register, ir.IntType(8)])
    function = builder.module.globals.get(name) or ir.Function(builder.module, kind, name)
    halves = []
    for places in (range(8), range(8, 16)):
        half = builder.shuffle_vector(values, values, ir.Constant(ir.VectorType(PLACE, 8), list(places)))
        halves.append(builder.call(function, [half, ir.Constant(register, [0.0] * 8), ir.IntType(8)(255)]))
    return builder.shuffle_vector(*halves, ir.Constant(ir.VectorType(PLACE, 16), list(range(16))))


@operation(_inverse_sqrt)
def inverse_sqrt(lanes: Any) -> Any:
    """``1 / sqrt`` of each positive and finite number, within two units in the last place."""
    return 1.0 / np.sqrt(lanes)
