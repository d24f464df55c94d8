"""How kernels are compiled: once, without the interpreter lock, into a cache that notices edits.

Numba compiles into every kernel all the kernels that it calls, so a tower of six calls is compiled six times over. The
large ones here are therefore `separate_kernel`: compiled once each, for one signature, and called by name.

`oco.kernel_cache` says where they are kept.
"""

from __future__ import annotations

import copy
import sys
import time
from collections.abc import Callable, Iterator
from functools import cached_property
from types import ModuleType
from typing import Any, TypeVar, cast

import llvmlite.binding
import numba
import numpy as np
from numba.core import event
from numba.core.compiler_lock import global_compiler_lock
from numba.core.registry import CPUDispatcher

from oco.kernel_cache import KernelCache, open_cache
from oco.memory import collector_paused

Function = TypeVar("Function", bound=Callable[..., Any])

VECTOR = numba.types.Array(numba.float64, 1, "C")
MATRIX = numba.types.Array(numba.float64, 2, "C")
INDICES = numba.types.Array(numba.int32, 1, "C")
WHOLE, REAL, FLAG, NONE = numba.int64, numba.float64, numba.boolean, numba.none
"""Types of arguments in the signatures of separate kernels: contiguous float64 arrays, and numbers."""


def several(*types: Any) -> Any:
    """The type of a tuple of results."""
    return numba.types.Tuple(types)  # type: ignore[no-untyped-call]


def record(named_tuple: type, *types: Any) -> Any:
    """The type of a named tuple whose fields have these ``types``."""
    return numba.types.BaseTuple.from_types(types, named_tuple)  # type: ignore[no-untyped-call]


_directory, _refused = open_cache()
numba.config.CACHE_DIR = str(_directory or "")  # type: ignore[attr-defined]


class _Announcement(event.Listener):
    """Print one line on a terminal while kernels compile, however many processes compile."""

    made = False

    def on_start(self, event: Any) -> None:
        """Numba compiles something."""
        if self.made or not isinstance(event.data["dispatcher"], Kernel) or sys.stderr is None:
            return
        self.made = True
        if _refused:
            advice = "set OCO_CACHE_DIR to a directory that you, and nobody else, can write"
            print(f"oco: {_refused}, so kernels are compiled anew; {advice}", file=sys.stderr)
        elif sys.stderr.isatty() and _is_first():
            print(f"oco: compiling for the first use; kept in {_directory}", file=sys.stderr)

    def on_end(self, event: Any) -> None:
        """It is compiled."""


ANNOUNCED_SECONDS = 120.0
"""Seconds for which one process's notice silences the others."""


def _is_first() -> bool:
    """Whether no other process said a moment ago that it compiles; a file in the cache keeps the moment."""
    if _directory is None:
        return True
    said = _directory / "announced"
    try:
        with said.open("x"):
            return True
    except FileExistsError:
        recent = time.time() - said.stat().st_mtime < ANNOUNCED_SECONDS
        said.touch()
        return not recent
    except OSError:
        return True


event.register("numba:compile", _Announcement())  # type: ignore[no-untyped-call]


class Kernel(CPUDispatcher):
    """A function that Numba compiles; the separate kernels that it calls are there before it is.

    A separate kernel has a ``signature``, the only one that it is compiled for. Others call it through a symbol of the
    process instead of taking a copy of it. Any other kernel is compiled into its callers from its `part`.
    """

    signature: Any = None
    _needed: tuple[Kernel, ...] | None = None
    _can_compile: bool

    @property
    def separate(self) -> bool:
        """Whether it is compiled once, for its signature."""
        return self.signature is not None

    def enable_caching(self) -> None:
        """Keep what is compiled."""
        self._cache = KernelCache(self.py_func, wrapped=not self.targetoptions.get("no_cpython_wrapper", False))

    def compile(self, signature: Any) -> Any:
        """Compile for ``signature``, or load from the cache."""
        if self._needed is None:
            self._needed = tuple(_separate_kernels_of(self.py_func, set()))
        for needed in self._needed:
            needed.load()
        with global_compiler_lock, collector_paused():  # a tenth of the time
            return super().compile(signature)

    def load(self) -> None:
        """Compile a separate kernel, or load it from the cache, unless that was done."""
        with global_compiler_lock:
            if self._can_compile:
                self.compile(self.signature)
                self.disable_compile()

    def add_overload(self, compiled: Any) -> None:
        """Keep compiled code; that of a separate kernel gets a name, under which callers find it."""
        super().add_overload(compiled)
        if not self.separate:
            return
        described = copy.copy(compiled.fndesc)
        described.mangled_name = f"{self.py_func.__module__}.{self.py_func.__qualname__}"
        address = compiled.library.get_pointer_to_function(compiled.fndesc.llvm_func_name)
        llvmlite.binding.add_symbol(described.mangled_name, address)
        context: Any = self.targetctx
        context.remove_user_function(compiled.entry_point)
        context.insert_user_function(compiled.entry_point, described)

    def get_call_template(self, arguments: Any, keywords: Any) -> Any:
        """Type of a call from a kernel; arguments are converted to those of a separate kernel's signature."""
        if self.separate:
            self.load()
        part: Any = self.part
        return CPUDispatcher.get_call_template(part, arguments, keywords)

    def get_overload(self, signature: Any) -> Any:
        """What a kernel calls for this signature."""
        part: Any = self.part
        return CPUDispatcher.get_overload(part, signature)

    @cached_property
    def part(self) -> Kernel:
        """What kernels call: this one without the wrapper that Python calls, which is a tenth of all compiling."""
        if self.separate or self.targetoptions.get("no_cpython_wrapper"):
            return self
        part = Kernel(self.py_func, targetoptions=self.targetoptions | {"no_cpython_wrapper": True})
        if _directory is not None:
            part.enable_caching()
        return part


def entry_point(function: Function, *arguments: Any) -> Function:
    """The compiled function of a separate kernel, for calls with arguments of the types of ``arguments``.

    It skips the look-up of types, which is half the cost of a call from Python with ten arguments. If the types are not
    those of the kernel's signature, the kernel itself is returned. Do not keep the result in what is copied or pickled.
    """
    if not (isinstance(function, Kernel) and function.separate):
        return function
    function.load()
    if tuple(map(_type_of, arguments)) != function.signature.args:
        return function
    compiled: Any = function.overloads[function.signature.args]
    return cast(Function, compiled.entry_point)


def _type_of(argument: Any) -> Any:
    """Numba's type of an argument, looked up once for arrays of the same kind: of records it takes a millisecond."""
    kind = _kind_of(argument)
    if kind not in _types:
        _types[kind] = numba.typeof(argument)  # type: ignore[no-untyped-call]
    return _types[kind]


def _kind_of(argument: Any) -> Any:
    if isinstance(argument, np.ndarray):
        return type(argument), argument.dtype, argument.ndim, argument.flags.num
    if isinstance(argument, tuple):
        return type(argument), *map(_kind_of, argument)
    return numba.typeof(argument)  # type: ignore[no-untyped-call]


_types: dict[Any, Any] = {}
"""Numba's types by the kind of the argument; there are a few dozen."""


def _separate_kernels_of(function: Any, seen: set[int]) -> Iterator[Kernel]:
    """Separate kernels that ``function`` calls, itself or through others that are compiled into it."""
    for name in function.__code__.co_names:
        found = function.__globals__.get(name)
        names = function.__code__.co_names if isinstance(found, ModuleType) else ()
        for called in (found, *(getattr(found, attribute, None) for attribute in names)):
            if id(called) in seen or not isinstance(called, Kernel):
                continue
            seen.add(id(called))
            if called.separate:
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


def _compiled(function: Function, options: dict[str, Any], signature: Any = None) -> Function:
    if numba.config.DISABLE_JIT:  # type: ignore[attr-defined]
        return np.errstate(all="ignore")(function)  # compiled code warns of nothing either
    compiled = Kernel(function, targetoptions=_OPTIONS | options)
    compiled.signature = signature
    if _directory is not None:
        compiled.enable_caching()
    return cast(Function, compiled)


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


def separate_kernel(signature: Any, *, from_python: bool = False) -> Callable[[Function], Function]:
    """Compile as `kernel` does, once, for ``signature`` (``result(arguments...)``); callers do not copy the code.

    For large functions, which run long enough not to mind a call that is not inlined. Those that Python calls too are
    ``from_python``.
    """

    def decorate(function: Function) -> Function:
        return _compiled(function, {"no_cpython_wrapper": not from_python}, signature)

    return decorate
