"""Gradients of a model's matrices during training, kept within a number of bytes."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.hooks import RemovableHandle

from oco.errors import ConfigError, DataError
from oco.torch.checks import check_integer, check_optimizer, gradient_of, named_parameters
from oco.torch.shapes import merged_shape

LEAST = 8
"""Gradients that a tape must have room for: fewer say little about a covariance."""
FORMAT = "oco.torch.GradientTape 1"


class GradientTape:
    """Record gradients of every parameter of at least two axes, for :func:`oco.torch.advise_rank`.

    Parameters
    ----------
    model : torch.nn.Module or iterable of (name, parameter)
        Parameters of fewer than two axes, and those that are not trained, are left out.
    steps : int
        Updates that are looked at; later ones are ignored.
    every : int
        One update in ``every`` is recorded. Give the ``update_freq`` of the optimizer that the advice is for, whose
        sketches see no other gradient.
    max_bytes : int
        Memory that the tape may use, on the CPU. When the next gradients would not fit, every second one is dropped,
        and from then on half as many are recorded.
    merge_dims : int
        Merging as in :func:`oco.torch.shapes.merged_shape`.

    Attributes
    ----------
    gradients : dict of str to list of Tensor
        By parameter, in merged shapes, in the precision of the gradients; zeros where there was none.
    updates : list of int
        The updates, counted from 1, that the gradients belong to.
    stride : int
        Updates from one recorded gradient to the next: ``every``, doubled each time that the tape was full.

    Raises
    ------
    ConfigError
        Without such a parameter, for an option out of range, and if ``max_bytes`` is too small for 8 updates.
    ProtocolError
        For a sparse gradient, from :meth:`update`.

    Notes
    -----
    An update in which a gradient is not finite is left out. With B bytes for the gradients of one update, at most
    ``max_bytes / B`` of the ``steps / every`` are held at a time.

    Examples
    --------
    >>> import torch
    >>> model = torch.nn.Linear(6, 4)
    >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    >>> tape = GradientTape(model, steps=20, every=1, max_bytes=12 * 4 * 24)  # twelve gradients of 24 floats
    >>> with tape.follow(optimizer):
    ...     for _ in range(25):
    ...         model(torch.randn(8, 6)).square().mean().backward()
    ...         optimizer.step()
    >>> tape.stride, tape.updates
    (2, [1, 3, 5, 7, 9, 11, 13, 15, 17, 19])
    """

    def __init__(
        self,
        model: torch.nn.Module | Iterable[tuple[str, Tensor]],
        *,
        steps: int = 200,
        every: int = 10,
        max_bytes: int = 1 << 30,
        merge_dims: int = 1024,
    ) -> None:
        check_integer("steps", steps, 1)
        check_integer("every", every, 1)
        check_integer("max_bytes", max_bytes, 1)
        check_integer("merge_dims", merge_dims, 1)
        named = named_parameters("GradientTape", model)
        shapes = {(name, param): merged_shape(param.shape, merge_dims) for name, param in named if param.requires_grad}
        self._followed = [(name, param, shape) for (name, param), shape in shapes.items() if len(shape) > 1]
        if not self._followed:
            raise ConfigError("GradientTape was given no parameter of at least two axes that requires a gradient")
        self.steps, self.stride = steps, every
        self.updates: list[int] = []
        self.gradients: dict[str, list[Tensor]] = {name: [] for name, _, _ in self._followed}
        self._seen = 0
        each = sum(param.numel() * param.element_size() for _, param, _ in self._followed)
        self._capacity = max_bytes // each
        least = min(LEAST, math.ceil(steps / every))
        if self._capacity < least:
            raise ConfigError(
                f"a GradientTape of max_bytes={max_bytes} has room for {self._capacity} updates of {each} bytes each; "
                f"at least {least * each} bytes, or fewer of the model's parameters, are needed"
            )

    def follow(self, optimizer: torch.optim.Optimizer) -> RemovableHandle:
        """Call :meth:`update` before each step of ``optimizer``, until ``remove()`` of the handle or the end of its
        ``with`` block.
        """
        check_optimizer("GradientTape.follow", optimizer)
        return optimizer.register_step_pre_hook(lambda *_: self.update())

    @torch.no_grad()
    def update(self) -> None:
        """Record the present gradients if they are due."""
        if self._seen >= self.steps:
            return
        self._seen += 1
        if (self._seen - 1) % self.stride:
            return
        gradients = [gradient_of("GradientTape", name, param) for name, param, _ in self._followed]
        now = [
            (torch.zeros_like(param) if gradient is None else gradient).reshape(shape)
            for (_, param, shape), gradient in zip(self._followed, gradients, strict=True)
        ]
        if not all(bool(torch.isfinite(gradient).all()) for gradient in now):
            return
        while len(self.updates) == self._capacity:
            self._thin()
            if (self._seen - 1) % self.stride:
                return
        self.updates.append(self._seen)
        for (name, _, _), gradient in zip(self._followed, now, strict=True):
            self.gradients[name].append(gradient.detach().to("cpu", copy=True))

    def _thin(self) -> None:
        self.stride *= 2
        kept = [index for index, update in enumerate(self.updates) if (update - 1) % self.stride == 0]
        self.updates = [self.updates[index] for index in kept]
        self.gradients = {name: [own[index] for index in kept] for name, own in self.gradients.items()}

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the tape as plain tensors, replacing the file in one move."""
        target = Path(path)
        partial = target.with_name(target.name + ".partial")
        gradients = {name: torch.stack(own) for name, own in self.gradients.items() if own}
        torch.save({"format": FORMAT, "updates": self.updates, "stride": self.stride, "gradients": gradients}, partial)
        partial.replace(target)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> GradientTape:
        """Read a tape that :meth:`save` wrote; it records nothing more.

        Raises DataError if the file is no tape.
        """
        try:
            stored: dict[str, Any] = torch.load(path, weights_only=True)
            if stored["format"] != FORMAT:
                raise DataError(f"{path} has the format {stored['format']!r}, and {FORMAT!r} is needed")
            tape = cls.__new__(cls)
            tape.gradients = {name: list(own.unbind()) for name, own in stored["gradients"].items()}
            tape.updates, tape.stride = list(stored["updates"]), int(stored["stride"])
        except (OSError, DataError):
            raise
        except Exception as error:
            raise DataError(f"{path} is not a tape that GradientTape.save wrote: {error}") from error
        tape._followed, tape.steps, tape._seen, tape._capacity = [], 0, 0, 0
        return tape
