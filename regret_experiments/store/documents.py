"""The required names and types in stored documents."""

from __future__ import annotations

from abc import ABC
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from oco.regret.certificate import Certificate
from regret_experiments.plan.content import RESULT_SCHEMA, work_type
from regret_experiments.store.arrays import Description
from regret_experiments.store.sealed import Damaged, Document

Integer = Annotated[int, Field(ge=-(2**63), lt=2**63)]
Identifier = Annotated[str, Field(pattern=r"\A[0-9a-f]{20}\z")]
Number = float | Literal["nan", "inf", "-inf"] | None

Shapes = Mapping[str, tuple[int, ...]]

_REGRET = ("regret_lower", "regret_upper")


class _Part(BaseModel):
    """Entries that are not listed are left alone."""

    model_config = ConfigDict(strict=True, extra="ignore")


class _Kind(_Part):
    kind: str
    keywords: dict[str, Any]


class _Learner(_Part):
    kind: str
    hyperparameters: dict[str, Any]


class _Content(_Part, ABC):
    environment: _Kind
    order: Integer
    checkpoints: Integer | list[Integer]


class _Game(_Content):
    """What a game is."""


class _Run(_Content):
    result_schema: Integer = Field(alias="schema")
    learner: _Learner
    repetition: Integer
    comparator: bool
    spectrum: bool


class _Training(_Content):
    result_schema: Integer = Field(alias="schema")
    learner: _Learner
    repetition: Integer
    steps: Integer
    probe: dict[str, Any] | None


class _Scalars(_Part):
    """Final numbers by the names that tables and figures use; a plug-in's own may be of any type."""

    rounds: Integer
    horizon: Integer
    dimension: Integer
    cumulative_loss: Number
    regret_lower: Number
    regret_upper: Number
    regret_linearised: Number = None
    regret_dynamic: Number = None
    comparator_gap: Number = None
    comparator_certificate: str | None = None
    comparator_tight: bool | None = None
    comparator_note: str | None = None
    bound: Number
    bound_theorem: str | None = None
    bound_valid: bool | None
    rank: Integer | None = None
    escaped_mass: Number
    tail_mass: Number
    largest_gradient: Number = None
    state_floats: Integer
    peak_state_floats: Integer
    memory_formula: str | None
    memory_floats: Integer | None = None


class _TrainingScalars(_Part):
    """Final numbers of a network; older results have those of a game too, empty."""

    rounds: Integer
    horizon: Integer
    dimension: Integer
    final_loss: Number
    cumulative_loss: Number
    test: Number = None
    ended: str | None = None
    state_floats: Integer
    peak_state_floats: Integer


class _Stored(_Part, ABC):
    id: Identifier
    provenance: Identifier = ""  # absent from what no engine stored
    ended_at: str = ""
    arrays: Description


class _Failed(_Stored):
    status: Literal["failed"]
    error: str
    message: str


class _Played(_Stored, ABC):
    status: Literal["finished"]
    seconds: float
    seeds: dict[str, Integer]
    violations: list[str] = []
    timings: dict[str, float]


class _FinishedRun(_Played):
    scalars: _Scalars
    violations: list[str]


class _FinishedTraining(_Played):
    scalars: _TrainingScalars


class _FinishedGame(_Stored):
    status: Literal["finished"]
    known: bool
    certificates: list[Annotated[Certificate, Field(strict=False)]] = []
    tight: list[bool] = []
    notes: list[str] = []


class _Point(_Part):
    learning_rate: float | None = None


class _Listed(_Part):
    id: Identifier
    stage: str
    environment: str
    learner: str
    rank: Integer | None
    order: Integer
    repetition: Integer
    point: _Point


class _Origin(_Part):
    location: str
    distribution: str | None
    version: str | None


class _Plan(_Part):
    name: str
    description: str = ""
    kinds: dict[str, str]
    tuned: dict[str, list[str]] | None = None
    stages: list[str] = []
    plugins: dict[str, _Origin] = {}
    runs: list[_Listed]


def check_stored(kind: str, document: Document) -> None:
    """Raise `Damaged` if a run or a game lacks an entry that readers need."""
    content = document.get("content")
    if kind == "games":
        _check(_Game, content, "content.")
    else:
        training = isinstance(content, dict) and work_type(content) == "training"
        _check(_Training if training else _Run, content, "content.")
        if document["content"]["schema"] != RESULT_SCHEMA:
            meaning = document["content"]["schema"]
            raise Damaged(f"its content is of schema {meaning}; this version of oco reads {RESULT_SCHEMA}")
    if document.get("status") == "failed":
        _check(_Failed, document)
    elif kind == "games":
        _check(_FinishedGame, document)
    else:
        _check(_FinishedTraining if training else _FinishedRun, document)


def check_arrays(kind: str, document: Document, shapes: Shapes) -> None:
    """Raise `Damaged` if the arrays of a finished run or game, which have these shapes, do not fit together."""
    if document["status"] == "failed" or document.get("known") is False:
        return
    if kind == "games":
        count = len(document["certificates"]) if "certificates" in document else -1
        lengths = [len(document.get(name, ())) for name in ("tight", "notes")]
        lengths += [_length(shapes, name) for name in ("round", "lower", "upper", "final")]
        lengths.append(shapes["points"][0] if len(shapes.get("points", ())) > 1 else -1)
    else:
        count = _length(shapes, "round")
        names = ("training_loss",) if work_type(document["content"]) == "training" else ("cumulative_loss", *_REGRET)
        lengths = [_length(shapes, name) for name in names]
        lengths += [shape[0] for name, shape in shapes.items() if len(shape) == 1 and name != "spectrum_rounds"]
        if "spectra" in shapes:
            spectra = shapes["spectra"]
            lengths.append(count if len(spectra) == 2 and spectra[0] == _length(shapes, "spectrum_rounds") else -1)
    if count < 0 or any(length != count for length in lengths):
        raise Damaged("its arrays do not fit together")


def _length(shapes: Shapes, name: str) -> int:
    """Length of a vector; -1 where there is none of that name."""
    return shapes[name][0] if len(shapes.get(name, ())) == 1 else -1


class _Summary(_Part):
    id: Identifier
    files: str
    status: Literal["finished", "failed"]
    scalars: Annotated[_Scalars | _TrainingScalars | None, Field(union_mode="left_to_right")] = None
    timings: dict[str, float] = {}
    violations: list[str] = []
    seconds: float | None = None
    message: str | None = None


def check_summary(document: Document) -> None:
    """Raise `Damaged` if an entry of the index lacks what readers need."""
    _check(_Summary, document)


def check_plan(document: Document) -> None:
    """Raise `Damaged` if ``plan.json`` lacks an entry that readers need."""
    _check(_Plan, document)


def _check(model: type[BaseModel], value: Any, where: str = "") -> None:
    try:
        model.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        name = where + ".".join(str(part) for part in first["loc"] if not str(part).startswith(("literal", "float")))
        raise Damaged(f"{name[:80].rstrip('.') or 'it'}: {first['msg']}") from None
