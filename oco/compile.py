"""How kernels are compiled: once, without the interpreter lock, into a cache that notices edits.

Numba compiles into every kernel all the kernels that it calls, so a tower of six calls is compiled six times over. The
large ones here are therefore `separate_kernel`: compiled once each, for one signature, and called by name.

A decorated function is a `Kernel`. Numba is imported when one is called, and what makes no use of kernels, such as a
table of stored runs, does not wait for it. `oco.dispatcher` compiles; `oco.kernel_cache` says where kernels are kept.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from functools import cached_property
from types import ModuleType
from typing import Any, TypeVar, cast

import numpy as np

Function = TypeVar("Function", bound=Callable[..., Any])


class Kind:
    """A type of Numba's that is made when it is needed: ``make(numba)``."""

    def __init__(self, make: Callable[[Any], Any]) -> None:
        self._make = make

    @cached_property
    def type(self) -> Any:
        """The type."""
        import numba

        return self._make(numba)

    def __call__(self, *arguments: Kind) -> Kind:
        """The signature of a function that takes ``arguments`` and returns this."""
        return Kind(lambda numba: self.type(*(each.type for each in arguments)))


VECTOR = Kind(lambda numba: numba.types.Array(numba.float64, 1, "C"))
MATRIX = Kind(lambda numba: numba.types.Array(numba.float64, 2, "C"))
ANY_MATRIX = Kind(lambda numba: numba.types.Array(numba.float64, 2, "A"))
INDICES = Kind(lambda numba: numba.types.Array(numba.int32, 1, "C"))
WHOLE, REAL = Kind(lambda numba: numba.int64), Kind(lambda numba: numba.float64)
FLAG, NONE = Kind(lambda numba: numba.boolean), Kind(lambda numba: numba.none)
"""Types of arguments in the signatures of separate kernels: float64 arrays, contiguous but for one, and numbers."""


def several(*kinds: Kind) -> Kind:
    """The type of a tuple of results."""
    return Kind(lambda numba: numba.types.Tuple(tuple(each.type for each in kinds)))


def record(named_tuple: type, *kinds: Kind) -> Kind:
    """The type of a named tuple whose fields have these ``kinds``."""
    return Kind(lambda numba: numba.types.BaseTuple.from_types(tuple(each.type for each in kinds), named_tuple))


def rows_of(fields: np.dtype[Any]) -> Kind:
    """The type of a vector of records with these ``fields``."""
    return Kind(lambda numba: numba.types.Array(numba.from_dtype(fields), 1, "C"))


class Kernel:
    """A function that Numba compiles when it is called, from Python or from a kernel that is being compiled.

    Parameters
    ----------
    function
        The kernel in Python.
    options
        Of Numba.
    signature
        The only one that a separate kernel is compiled for; None of another kernel.
    """

    def __init__(self, function: Callable[..., Any], options: dict[str, Any], signature: Kind | None) -> None:
        functools.update_wrapper(self, function)
        self.py_func, self.targetoptions, self.signature = function, options, signature
        self._compiled: Any = None

    def __call__(self, *arguments: Any) -> Any:
        """Call what is compiled."""
        return (self._compiled or self.compiled)(*arguments)

    @property
    def compiled(self) -> Any:
        """Its `oco.dispatcher.Dispatcher`; where Numba is disabled the function itself."""
        if self._compiled is None:
            from numba.core.compiler_lock import global_compiler_lock

            import oco.lane_code  # noqa: F401
            from oco.dispatcher import dispatcher_of

            with global_compiler_lock:
                if self._compiled is None:
                    self._compiled = dispatcher_of(self.py_func, self.targetoptions, self.signature, self._needed)
        return self._compiled

    @property
    def _numba_type_(self) -> Any:
        """What Numba takes it for in another kernel: its dispatcher."""
        return self.compiled._numba_type_

    def _needed(self) -> list[Any]:
        return [kernel.compiled for kernel in _separate_kernels_of(self.py_func, set())]

    def __reduce__(self) -> str | tuple[Any, ...]:
        """Pickled by its name, as functions are; one of a notebook by its code, as `cloudpickle` pickles these."""
        if self.py_func.__module__ == "__main__":
            return Kernel, (self.py_func, self.targetoptions, self.signature)
        return self.py_func.__qualname__


def entry_point(function: Function, *arguments: Any) -> Function:
    """The compiled function of a separate kernel, for calls with arguments of the types of ``arguments``.

    It skips the look-up of types, which is half the cost of a call from Python with ten arguments. If the types are not
    those of the kernel's signature, the kernel itself is returned. Do not keep the result in what is copied or pickled.
    """
    if not (isinstance(function, Kernel) and function.signature is not None):
        return function
    from oco.dispatcher import Dispatcher

    compiled = function.compiled
    direct = compiled.entry_point(arguments) if isinstance(compiled, Dispatcher) else None
    return function if direct is None else cast(Function, direct)


def _separate_kernels_of(function: Any, seen: set[int]) -> Iterator[Kernel]:
    """Separate kernels that ``function`` calls, itself or through others that are compiled into it."""
    for name in function.__code__.co_names:
        found = function.__globals__.get(name)
        names = function.__code__.co_names if isinstance(found, ModuleType) else ()
        for called in (found, *(getattr(found, attribute, None) for attribute in names)):
            if id(called) in seen or not isinstance(called, Kernel):
                continue
            seen.add(id(called))
            if called.signature is not None:
                yield called
            else:
                yield from _separate_kernels_of(called.py_func, seen)


_OPTIONS: dict[str, Any] = {
    "nopython": True,
    "nogil": True,
    "error_model": "numpy",
    "fastmath": {"contract"},
    "boundscheck": None,
    "no_cfunc_wrapper": True,
    "_nrt": False,  # what makes no arrays counts no references: a tenth of a round at d = 124
}


def _compiled(function: Function, options: dict[str, Any], signature: Kind | None = None) -> Function:
    return cast(Function, Kernel(function, _OPTIONS | options, signature))


def kernel(function: Function) -> Function:
    """Compile ``function`` with Numba: nogil, cached, NumPy's division semantics, no reassociation of sums.

    It can take views of arrays, but make none and return none.
    """
    return _compiled(function, {})


def part_of_kernel(function: Function) -> Function:
    """Compile ``function`` as `kernel` does, and copy its code into its callers: a part of one that has a name."""
    return _compiled(function, {"forceinline": True})


def fast_kernel(function: Function) -> Function:
    """Compile ``function`` as `kernel` does, and let sums be reassociated: for dot products and passes over a basis."""
    return _compiled(function, {"fastmath": {"contract", "reassoc", "nsz", "arcp"}})


def allocating_kernel(function: Function) -> Function:
    """Compile ``function`` as `kernel` does, and let it make arrays, return them, or call the BLAS, which may."""
    return _compiled(function, {"_nrt": True})


def view_kernel(function: Function) -> Function:
    """Compile into its callers a ``function`` of one expression that returns a view of an argument."""
    return _compiled(function, {"inline": "always"})


def separate_kernel(signature: Kind, *, from_python: bool = False) -> Callable[[Function], Function]:
    """Compile as `kernel` does, once, for ``signature`` (``result(arguments...)``); callers do not copy the code.

    For large functions, which run long enough not to mind a call that is not inlined. Those that Python calls too are
    ``from_python``.
    """

    def decorate(function: Function) -> Function:
        return _compiled(function, {"no_cpython_wrapper": not from_python}, signature)

    return decorate
