"""Numba's dispatcher of a kernel: what compiles it, keeps what is compiled, and runs it. `oco.compile` makes them."""

from __future__ import annotations

import copy
import sys
import time
from collections.abc import Callable, Iterable
from functools import cached_property
from typing import Any

import llvmlite.binding
import numba
import numpy as np
from numba.core import event
from numba.core.compiler_lock import global_compiler_lock
from numba.core.registry import CPUDispatcher

from oco.kernel_cache import KernelCache, open_cache
from oco.memory import collector_paused

_directory, _refused = open_cache()
numba.config.CACHE_DIR = str(_directory or "")  # type: ignore[attr-defined]


class _Announcement(event.Listener):
    """Print one line on a terminal while kernels compile, however many processes compile."""

    made = False

    def on_start(self, event: Any) -> None:
        """Numba compiles something."""
        if self.made or not isinstance(event.data["dispatcher"], Dispatcher) or sys.stderr is None:
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


class Dispatcher(CPUDispatcher):
    """Compiles a kernel; the separate kernels that it calls are there before it is.

    A separate kernel has a ``signature``, the only one that it is compiled for. Others call it through a symbol of the
    process instead of taking a copy of it. Any other kernel is compiled into its callers from its `part`.

    Parameters
    ----------
    function
        The kernel in Python.
    options
        Of Numba.
    signature
        Of a separate kernel; None of another one.
    needed
        Gives the separate kernels that it calls.
    """

    _can_compile: bool

    def __init__(
        self,
        function: Callable[..., Any],
        options: dict[str, Any],
        signature: Any,
        needed: Callable[[], Iterable[Dispatcher]],
    ) -> None:
        super().__init__(function, targetoptions=options)
        self.signature, self._needed = signature, needed
        if _directory is not None:
            self.enable_caching()

    @property
    def separate(self) -> bool:
        """Whether it is compiled once, for its signature."""
        return self.signature is not None

    def enable_caching(self) -> None:
        """Keep what is compiled."""
        self._cache = KernelCache(self.py_func, wrapped=not self.targetoptions.get("no_cpython_wrapper", False))

    def compile(self, signature: Any) -> Any:
        """Compile for ``signature``, or load from the cache."""
        for needed in self._needed():
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
    def part(self) -> Dispatcher:
        """What kernels call: this one without the wrapper that Python calls, which is a tenth of all compiling."""
        if self.separate or self.targetoptions.get("no_cpython_wrapper"):
            return self
        return Dispatcher(self.py_func, self.targetoptions | {"no_cpython_wrapper": True}, None, self._needed)

    def entry_point(self, arguments: tuple[Any, ...]) -> Any:
        """The compiled function of a separate kernel; None unless ``arguments`` are of the types of its signature."""
        self.load()
        same = tuple(map(_type_of, arguments)) == self.signature.args
        compiled: Any = self.overloads[self.signature.args]
        return compiled.entry_point if same else None


def dispatcher_of(
    function: Callable[..., Any],
    options: dict[str, Any],
    signature: Any,
    needed: Callable[[], Iterable[Dispatcher]],
) -> Any:
    """The `Dispatcher` of a kernel; where Numba is disabled the function itself."""
    if numba.config.DISABLE_JIT:  # type: ignore[attr-defined]
        return np.errstate(all="ignore")(function)  # compiled code warns of nothing either
    return Dispatcher(function, options, None if signature is None else signature.type, needed)


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
