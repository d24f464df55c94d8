"""Confine this process: it reads what it is given, writes in one directory, and gets so much time and memory.

There are two layers. Where the kernel has Landlock (Linux 5.13 and later), the kernel itself refuses, and no code can
undo that. Everywhere, an audit hook of Python refuses what Python code asks for, including what Landlock does not
cover: new processes, networks, changed permissions. Native code, which ``ctypes`` reaches, passes the hook.

This file imports nothing outside the standard library, so that it can run before anything else is loaded.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import struct
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIRECTORY = 1, 2, 4, 8
_READ = _EXECUTE | _READ_FILE | _READ_DIRECTORY
_ALL_BY_VERSION = {1: 0x1FFF, 2: 0x3FFF, 3: 0x7FFF, 4: 0x7FFF, 5: 0xFFFF}
"""Rights on files that a version of Landlock knows; later versions know those of version 5."""
_TRUNCATE, _REFER = 1 << 14, 1 << 13
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_NO_NEW_PRIVILEGES = 38

_REFUSED = (
    "subprocess.", "socket.", "os.system", "os.exec", "os.fork", "os.posix_spawn", "os.spawn", "os.startfile",
    "os.kill", "os.setxattr", "os.removexattr", "pty.", "webbrowser.", "urllib.", "ftplib.", "smtplib.",
)  # fmt: skip
"""Audit events that are refused whatever their arguments."""
_CHANGING = (
    "os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.link", "os.symlink", "os.truncate", "os.chmod", "os.chown",
    "os.utime", "os.chflags", "os.lockf", "os.mkfifo", "os.mknod",
)  # fmt: skip
"""Audit events of changes to files, which are refused outside the scratch directory."""


@dataclass(frozen=True)
class Confinement:
    """What is left to a confined process.

    ``readable`` are directories whose files it may read, ``listable`` such that it may only list, ``scratch`` is the
    one that it may write in, ``hidden`` are directories that Python code may not read where there is no Landlock.
    """

    readable: tuple[str, ...]
    listable: tuple[str, ...]
    hidden: tuple[str, ...]
    scratch: str
    seconds: int
    memory_bytes: int
    file_bytes: int


def confine(limits: Confinement) -> bool:
    """Confine this process for good; True if the kernel took part, False if only Python does."""
    _limit_resources(limits)
    by_kernel = landlock_version() >= 1 and _landlock(limits)
    _audit(limits)
    return by_kernel


def landlock_version() -> int:
    """The version of Landlock that the kernel has; 0 for none."""
    if sys.platform != "linux":
        return 0
    asked = ctypes.CDLL(None, use_errno=True).syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), 1)
    return max(0, int(asked))


def _limit_resources(limits: Confinement) -> None:
    try:
        import resource
    except ImportError:  # not on Windows
        return
    for name, value in (
        ("RLIMIT_CPU", limits.seconds),
        ("RLIMIT_AS", limits.memory_bytes),
        ("RLIMIT_FSIZE", limits.file_bytes),
        ("RLIMIT_CORE", 0),
    ):
        with contextlib.suppress(ValueError, OSError, AttributeError):  # a system may know less, or allow less already
            resource.setrlimit(getattr(resource, name), (value, value))


def _landlock(limits: Confinement) -> bool:
    system = ctypes.CDLL(None, use_errno=True)
    version = landlock_version()
    every = _ALL_BY_VERSION[min(version, 5)]
    network, scope = (3 if version >= 4 else 0), (3 if version >= 6 else 0)
    asked = struct.pack("QQQ", every, network, scope)[: 8 if version < 4 else 16 if version < 6 else 24]
    rules = system.syscall(_CREATE_RULESET, asked, ctypes.c_size_t(len(asked)), 0)
    if rules < 0:
        return False
    for paths, rights in (
        (limits.readable, _READ),
        (limits.listable, _READ_DIRECTORY),
        ((limits.scratch,), every),
        (("/dev/null",), _READ_FILE | _WRITE_FILE | _TRUNCATE),
    ):
        for path in paths:
            _allow(system, rules, path, rights & every)
    system.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    confined = system.syscall(_RESTRICT_SELF, rules, 0) == 0
    os.close(rules)
    return bool(confined)


def _allow(system: Any, rules: int, path: str, rights: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # what is not there needs no rule
    if not os.path.isdir(path):
        rights &= _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE
    system.syscall(_ADD_RULE, rules, 1, struct.pack("=Qi", rights, place), 0)
    os.close(place)


def _audit(limits: Confinement) -> None:
    scratch, hidden = os.path.realpath(limits.scratch), [os.path.realpath(path) for path in limits.hidden]
    writing = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND

    def under(path: Any, directories: Iterable[str]) -> bool:
        real = os.path.realpath(os.fsdecode(path))
        return any(real == one or real.startswith(one + os.sep) for one in directories)

    def refuse(event: str, arguments: tuple[Any, ...]) -> None:
        if event.startswith(_REFUSED):
            raise PermissionError(f"{event} is not allowed while an exercise is graded")
        if event == "open":
            path, _, flags = arguments
            if isinstance(path, int) or path is None:
                return
            if flags & writing and not under(path, [scratch, os.devnull]):
                raise PermissionError("files are written in the working directory only while an exercise is graded")
            if under(path, hidden):
                raise PermissionError("this file is not there while an exercise is graded")
        elif event.startswith(_CHANGING):
            paths = [one for one in arguments if isinstance(one, (str, bytes, os.PathLike))]
            if not all(under(one, [scratch]) for one in paths):
                raise PermissionError(f"{event} is allowed in the working directory only while an exercise is graded")

    sys.addaudithook(refuse)
