"""The spectra of one training run beside those of the runs that would show which part is due to training."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

import torch
from torch import Tensor

from oco.errors import ConfigError
from oco.torch.checks import check_integer, shown
from oco.torch.spectrum import SpectrumProbe, check_probe_options

Batch = tuple[Tensor, Tensor]
TRAINED, FROZEN = "trained", "frozen"
SHUFFLED = "{}, shuffled labels"


def controlled_spectra(
    model: torch.nn.Module,
    loss: Callable[[torch.nn.Module, Batch], Tensor],
    batches: Iterable[Batch],
    optimizer: Callable[[Iterator[torch.nn.Parameter]], torch.optim.Optimizer],
    *,
    steps: int,
    snapshots: int = 4,
    seed: int = 0,
    **options: Any,
) -> dict[str, list[dict[str, Any]]]:
    """Follow the spectra of one model in four runs on the same batches: trained or frozen, true or shuffled labels.

    A frozen network keeps its initial weights, so its spectra show what the architecture and the data do without
    training. Shuffled labels leave the inputs and the frequencies of the labels as they are, so they show what is
    left without anything to learn.

    Parameters
    ----------
    model : torch.nn.Module
        At its initial weights; copied, not changed.
    loss : callable
        Of a model and a batch (inputs, targets).
    batches : iterable
        The first ``steps`` of these pairs are used, in turn by each of the four runs.
    optimizer : callable
        From parameters to an optimizer, as ``lambda params: torch.optim.Adam(params, lr=1e-3)``.
    steps, snapshots : int
        Length of the runs, and how often their spectra are taken, the last time at the end.
    seed : int
        Of the shuffles. Targets are permuted anew within each batch: integers entry by entry, others row by row. A loss
        that does not read the targets, as of an autoencoder, does not notice.
    **options
        Of :class:`SpectrumProbe`. Its ``ranks`` and its Gaussian control are followed in the first run only.

    Returns
    -------
    dict
        The rows of :meth:`SpectrumProbe.snapshot` of the runs ``trained``, ``trained, shuffled labels``, ``frozen`` and
        ``frozen, shuffled labels``; :func:`spectrum_figure` draws them.

    Raises
    ------
    ConfigError
        If there are fewer than ``steps`` batches, more snapshots than steps, or an argument is of the wrong kind or out
        of range.

    Notes
    -----
    Four copies of the model and four probes are held at a time; a step costs four passes forward and backward. The
    question is that of section 5 of Feinberg et al., "Sketchy", NeurIPS 2023; these controls are ours.

    Examples
    --------
    >>> import torch
    >>> _ = torch.manual_seed(0)
    >>> batches = [(torch.randn(16, 12), torch.randint(4, (16,))) for _ in range(8)]
    >>> rows = controlled_spectra(
    ...     torch.nn.Linear(12, 4),
    ...     lambda net, batch: torch.nn.functional.cross_entropy(net(batch[0]), batch[1]),
    ...     batches,
    ...     lambda params: torch.optim.Adam(params, lr=1e-2),
    ...     steps=8,
    ...     snapshots=2,
    ...     beta2=0.5,
    ... )
    >>> [(name, len(run)) for name, run in rows.items()]  # two axes, two snapshots; the first has a Gaussian control
    [('trained', 8), ('trained, shuffled labels', 4), ('frozen', 4), ('frozen, shuffled labels', 4)]
    """
    check_integer("steps", steps, 1)
    check_integer("snapshots", snapshots, 1)
    check_integer("seed", seed, 0)
    if snapshots > steps:
        raise ConfigError(f"snapshots={snapshots} is given with steps={steps}; at most one in each step is allowed")
    check_probe_options(options)
    _check("model", model, isinstance(model, torch.nn.Module), "a torch.nn.Module")
    _check("loss", loss, callable(loss), "a function of a model and a batch")
    _check("batches", batches, isinstance(batches, Iterable), "an iterable of pairs")
    generator = torch.Generator().manual_seed(seed)
    names = [name for kind in (TRAINED, FROZEN) for name in (kind, SHUFFLED.format(kind))]
    models = {name: copy.deepcopy(model) for name in names}
    optimizers = {name: _made(optimizer, models[name]) for name in names if name.startswith(TRAINED)}
    others = {**options, "ranks": (), "control": False}
    probes = {name: SpectrumProbe(models[name], **(options if name == TRAINED else others)) for name in names}
    due = {round(steps * (index + 1) / snapshots) for index in range(snapshots)}
    step = 0
    for step, batch in enumerate(islice(batches, steps), 1):
        if not (isinstance(batch, Sequence) and len(batch) == 2 and isinstance(batch[1], Tensor)):
            raise ConfigError(f"batches holds {shown(batch)}; pairs of inputs and targets, a Tensor, are allowed")
        shuffled = batch[0], _shuffle(batch[1], generator)
        for name, net in models.items():
            net.zero_grad()
            loss(net, batch if name in (TRAINED, FROZEN) else shuffled).backward()  # type: ignore[no-untyped-call]
            probes[name].update()
            if step in due:
                probes[name].snapshot(step)
            if name in optimizers:
                optimizers[name].step()
    if step < steps:
        raise ConfigError(f"controlled_spectra was given {step} batches and steps={steps}; as many batches are needed")
    return {name: probe.rows for name, probe in probes.items()}


def _check(name: str, value: Any, allowed: bool, words: str) -> None:
    if not allowed:
        raise ConfigError(f"controlled_spectra was given {name}={shown(value)}; {words} is allowed")


def _made(optimizer: Any, model: torch.nn.Module) -> torch.optim.Optimizer:
    """Return the optimizer that a function makes of the model's parameters."""
    made = optimizer(model.parameters()) if callable(optimizer) else optimizer
    if not (callable(optimizer) and isinstance(made, torch.optim.Optimizer)):
        verb = "returns" if callable(optimizer) else "is"
        raise ConfigError(
            f"optimizer {verb} {shown(made)}; a function from parameters to a torch.optim.Optimizer is allowed, as "
            "each run needs its own"
        )
    return made


def _shuffle(targets: Tensor, generator: torch.Generator) -> Tensor:
    if targets.is_floating_point():
        return targets[torch.randperm(len(targets), generator=generator).to(targets.device)]
    order = torch.randperm(targets.numel(), generator=generator).to(targets.device)
    return targets.flatten()[order].view_as(targets)
