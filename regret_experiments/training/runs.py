"""One training run as the store knows it: named by its content, performed by a worker, played again by anyone."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from oco.errors import ConfigError
from regret_experiments.execution.work import Outcome, finished
from regret_experiments.plan.content import RESULT_SCHEMA, WorkType, canonical, content_hash, plain

if TYPE_CHECKING:
    import torch

    from oco.torch import SpectrumProbe, UpdateRegret
    from regret_experiments.training.tasks import Task as Network


@dataclass(frozen=True)
class TrainingRun:
    """One optimizer at one learning rate from one seed.

    Attributes
    ----------
    task, data
        Names that `make_task` takes.
    kind, options, learning_rate
        The optimizer.
    seed
        Of the initial weights and of the order of batches.
    steps, evaluations
        Length, and how often the loss over the training set is taken.
    probe
        Options and number of snapshots of the spectra that are followed; None to follow none.
    update_regret
        Options of `oco.torch.UpdateRegret`; None to record none.
    sizes
        Keywords of `make_task`.
    rest
        Options of the group of vectors, embeddings and last layers, as `make_optimizer` takes them; None to make one
        group of all parameters.
    """

    task: str
    data: str
    kind: str
    learning_rate: float
    seed: int
    steps: int
    evaluations: int
    options: dict[str, Any] = field(default_factory=dict)
    probe: dict[str, Any] | None = None
    update_regret: dict[str, Any] | None = None
    sizes: dict[str, Any] = field(default_factory=dict)
    rest: dict[str, Any] | None = None
    type: ClassVar[WorkType] = "training"

    @cached_property
    def content(self) -> dict[str, Any]:
        """What the hash covers, in the shape that every stored run has; the text counts by its checksum."""
        later = {"update_regret": self.update_regret, "rest": self.rest}  # absent from runs of earlier versions
        return {
            "schema": RESULT_SCHEMA,
            "environment": {"kind": self.task, "keywords": _data_of(self.task, self.data) | self.sizes},
            "order": self.seed,
            "repetition": 0,
            "checkpoints": self.evaluations,
            "steps": self.steps,
            "learner": {
                "kind": self.kind,
                "hyperparameters": {"learning_rate": self.learning_rate, **self.options},
            },
            "probe": self.probe,
            **{name: value for name, value in later.items() if value is not None},
        }

    @cached_property
    def id(self) -> str:
        """Hash of `content`."""
        return content_hash(self.content)

    @classmethod
    def from_content(cls, content: dict[str, Any]) -> TrainingRun:
        """Return the run whose content was stored."""
        options = dict(content["learner"]["hyperparameters"])
        sizes = dict(content["environment"]["keywords"])
        data = sizes.pop("data", "digits")
        sizes.pop("text", None)
        return cls(
            task=content["environment"]["kind"],
            data=data,
            kind=content["learner"]["kind"],
            learning_rate=options.pop("learning_rate"),
            seed=content["order"],
            steps=content["steps"],
            evaluations=content["checkpoints"],
            options=options,
            probe=content["probe"],
            update_regret=content.get("update_regret"),
            sizes=sizes,
            rest=content.get("rest"),
        )

    def perform(self) -> Outcome:
        """Train; a run whose loss stopped being finite is finished with an infinite loss, one whose optimizer gave up
        has failed.
        """
        from regret_experiments.training.loop import train_once

        probes: list[SpectrumProbe] = []
        games: list[UpdateRegret] = []

        def after_backward(step: int, model: torch.nn.Module) -> None:
            if self.probe is not None:
                self._follow(probes, step, model)
            if self.update_regret is not None:
                self._play(games, model)

        record = train_once(
            _network(self.task, self.data, canonical(self.sizes)),
            self.kind,
            dict(self.options),
            lr=self.learning_rate,
            seed=self.seed,
            steps=self.steps,
            evaluations=self.evaluations,
            rest=self.rest,
            after_backward=after_backward,
        )
        if record["status"] == "failed":
            failed = {"status": "failed", "error": "RuntimeError", "message": record["error"], "traceback": ""}
            return Outcome(self.id, finished(self) | failed)
        held = {name: int(count) for name, count in record["state_bytes"].items()}
        scalars = {
            "rounds": self.steps,
            "horizon": self.steps,
            "dimension": record["parameters"],
            "final_loss": record["final_loss"],
            "cumulative_loss": record["cumulative_loss"],
            "test": record["test"],
            "ended": record["status"],
            "state_floats": held["total"] // 4,
            "peak_state_floats": held["total"] // 4,
            **{f"{name}_bytes": count for name, count in held.items() if name != "total"},
        }
        metadata = finished(
            self,
            seeds={"order": self.seed, "learner": self.seed},
            scalars=plain(scalars),
            timings={"play": 1e-3 * record["optimizer_ms"] * self.steps, "training": record["seconds"]},
        )
        if probes:
            metadata["spectra"] = plain(probes[0].rows)
        if games:
            metadata["update_regret"] = plain(games[0].rows())
        steps, losses = zip(*record["curve"], strict=True) if record["curve"] else ((), ())
        arrays = {"round": np.array(steps, dtype=float), "training_loss": np.array(losses, dtype=float)}
        return Outcome(self.id, metadata, arrays)

    def _play(self, games: list[UpdateRegret], model: torch.nn.Module) -> None:
        from oco.torch import UpdateRegret

        if not games:
            games.append(UpdateRegret(model, **(self.update_regret or {})))
        games[0].update()

    def _follow(self, probes: list[SpectrumProbe], step: int, model: torch.nn.Module) -> None:
        from oco.torch import SpectrumProbe

        assert self.probe is not None
        if not probes:
            probes.append(SpectrumProbe(model, **self.probe["options"]))
        probes[0].update()
        count = self.probe["snapshots"]
        if step in {round(self.steps * (i + 1) / count) for i in range(count)}:
            probes[0].snapshot(step)


def check_options(
    task: str,
    data: str,
    sizes: dict[str, Any],
    optimizers: Iterable[tuple[str, dict[str, Any], dict[str, Any] | None]],
    probe: dict[str, Any] | None = None,
) -> None:
    """Raise ConfigError if an optimizer or the probe rejects its options, before hours are spent on the others."""
    import torch

    from oco.torch import SpectrumProbe
    from regret_experiments.training.optimizers import make_optimizer

    network = _network(task, data, canonical(sizes))
    model = network.model()
    generator = torch.Generator().manual_seed(0)
    for kind, options, rest in optimizers:
        optimizer = make_optimizer(kind, model, 1e-3, options, rest, network.rest)
        for parameter in model.parameters():  # not zero, because an optimizer of yours may divide by a norm
            parameter.grad = torch.randn(parameter.shape, generator=generator)
        try:
            optimizer.step()
        except (TypeError, ValueError) as error:  # some options are read by the first step only
            raise ConfigError(
                f"optimizer {kind} with options={options} and rest={rest} takes no step: {error}"
            ) from error
        except Exception:
            continue  # says nothing about options: the runs that fail so are stored with the error
    if probe is not None:
        SpectrumProbe(model, **probe)


@lru_cache(maxsize=4)
def _network(task: str, data: str, sizes: str) -> Network:
    from regret_experiments.training.tasks import make_task

    return make_task(task, data, **json.loads(sizes))


@lru_cache(maxsize=4)
def _data_of(task: str, data: str) -> dict[str, Any]:
    from regret_experiments.training.data import load_text
    from regret_experiments.training.tasks import IMAGE_TASKS

    if task == "gpt":
        return {"text": f"crc32:{zlib.crc32(load_text().tobytes()):08x}"}
    return {"data": data} if task in IMAGE_TASKS else {}
