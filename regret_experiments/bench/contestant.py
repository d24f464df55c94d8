"""A contestant: a learner of the library or of a file, with the hyper-parameters that it tries."""

from __future__ import annotations

import hashlib
import inspect
import re
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from oco.errors import ConfigError
from oco.keywords import did_you_mean, listed
from regret_experiments.bench.suite import Suite
from regret_experiments.config.document import parse
from regret_experiments.config.values import THEOREM, alternatives, points
from regret_experiments.plan.building import build_learner
from regret_experiments.plan.keywords import KeywordError


@dataclass(frozen=True)
class Contestant:
    """What plays the suite.

    Attributes
    ----------
    label
        Name of its row in tables, and of its directory.
    kind
        Name in the registry of learners.
    entry
        Its entry in the config of a sweep.
    source
        The file that defines it; None for a learner of the library or of an installed package.
    """

    label: str
    kind: str
    entry: dict[str, Any]
    source: Path | None = None

    @property
    def class_name(self) -> str:
        """Of the learner."""
        from oco.learners import LEARNERS

        return LEARNERS[self.kind].__name__

    def points(self, dimension: int) -> list[dict[str, Any]]:
        """The hyper-parameters that it tries."""
        given = {key: value for key, value in self.entry.items() if key not in ("name", "kind", "tune")}
        return list(points(given, {}, dimension))

    @property
    def at_theorem(self) -> dict[str, Any] | None:
        """Its entry with the theorem's learning rate alone; None unless that is among those that it tries."""
        rates = self.entry.get("learning_rate")
        tries = [*self.entry["tune"]] == ["learning_rate"] and isinstance(rates, list) and THEOREM in rates
        return self.entry | {"learning_rate": THEOREM, "tune": []} if tries else None

    @property
    def source_sha256(self) -> str | None:
        """Checksum of its file."""
        return None if self.source is None else hashlib.sha256(self.source.read_bytes()).hexdigest()


def contestant(
    argument: str, suite: Suite, hyperparameters: dict[str, Any] | None = None, name: str | None = None
) -> Contestant:
    """The contestant that an argument of the command line means.

    Parameters
    ----------
    argument
        ``"fd_adagrad"``, a learner of the library, with the hyper-parameters of `library_entries`; or
        ``"mine.py:MyLearner"``, whose file is imported. ``"mine.py"`` will do where the file defines one learner.
    hyperparameters
        Values, lists or grids; every list is tuned. The learning rates of the suite are added where the learner has a
        ``learning_rate`` and none is given.
    name
        Of the row; by default that of the learner, behind that of its file.

    Raises
    ------
    ConfigError
        If there is no such learner, or it tries more points than the suite allows.
    """
    given = hyperparameters or {}
    path, _, class_name = argument.partition(":") if ".py" in argument else ("", "", "")
    source = Path(path).resolve() if path else None
    if source is not None:
        kind = _load(Path(path), class_name)
        label = kind if source.stem == kind else f"{source.stem}.{kind}"
    else:
        kind = label = argument
        entries = library_entries()
        if argument in entries:
            kind, given = entries[argument]["kind"], entries[argument]["hyperparameters"] | given
    entry = {"kind": kind, "name": name or label} | _with_rates(kind, given, suite, bool(path))
    entry["tune"] = [key for key, value in entry.items() if isinstance(value, (list, dict))]
    found = Contestant(entry["name"], kind, entry, source)
    count = _count(entry)
    if count > suite.tuning:
        raise ConfigError(f"{found.label} tries {count} points, and the suite allows {suite.tuning} for every learner")
    try:
        for point in found.points(2):
            build_learner(kind, point)
    except KeywordError as error:
        raise ConfigError(f"{error}; hyper-parameters are given with -l KEY=VALUE") from error
    return found


def library_entries() -> dict[str, dict[str, Any]]:
    """The learners of the library as they enter: kind and hyper-parameters by name.

    Examples
    --------
    >>> library_entries()["ogd"]
    {'kind': 'ogd', 'hyperparameters': {}}
    """
    from oco.learners import LEARNERS

    text = resources.files("regret_experiments.bench").joinpath("library.yaml").read_text(encoding="utf-8")
    special = parse(text, "library.yaml").value
    found: dict[str, dict[str, Any]] = {}
    for kind in LEARNERS.built_in:
        for given in special.get(kind, [{}]):
            hyperparameters = {key: value for key, value in given.items() if key != "name"}
            found[given.get("name", kind)] = {"kind": kind, "hyperparameters": hyperparameters}
    return found


def files_of(directory: Path) -> list[Path]:
    """The files of a class: every Python file of a folder that is not hidden, a test or private."""
    found = sorted(directory.glob("*.py"))
    return [path for path in found if not re.match(r"_|\.|test_|conftest", path.name)]


def _load(path: Path, class_name: str) -> str:
    """Import the file; returns the registered name of the learner."""
    import importlib

    from oco.learners import LEARNERS
    from oco.plugins import registered_name
    from regret_experiments.plugins import load_module

    if not path.is_file():
        raise ConfigError(f"{path}: there is no such file")
    if not path.stem.isidentifier():
        raise ConfigError(f"{path}: a file that is imported is named in letters, digits and _, such as my_learner.py")
    try:
        load_module(path.stem, str(path.resolve().parent))
    except ConfigError as error:
        raise ConfigError(f"{path}: {str(error).removeprefix(f'--plugin {path.stem}: ')}") from error
    module = importlib.import_module(path.stem)
    if Path(str(module.__file__)).resolve() != path.resolve():
        raise ConfigError(f"{path}: there is another module {path.stem!r} ({module.__file__}); rename the file")
    classes = {
        name: value
        for name, value in vars(module).items()
        if inspect.isclass(value) and issubclass(value, LEARNERS.base) and value.__module__ == module.__name__
        and not inspect.isabstract(value)
    }  # fmt: skip
    if class_name and class_name not in classes:
        near = did_you_mean(class_name, classes) or f"; it defines {listed(classes) or 'no learner'}"
        raise ConfigError(f"{path} has no learner {class_name!r}{near}")
    if not class_name and len(classes) != 1:
        raise ConfigError(f"{path} defines {listed(classes) or 'no learner'}; say which: {path}:CLASS")
    return registered_name(classes[class_name or next(iter(classes))])


def _with_rates(kind: str, given: dict[str, Any], suite: Suite, path: bool) -> dict[str, Any]:
    """The hyper-parameters with the learning rates of the suite, where the learner has one and none is given."""
    from oco.learners import LEARNERS

    if kind not in LEARNERS:
        raise ConfigError(
            f"there is no learner {kind!r}{did_you_mean(kind, LEARNERS)}; one of your own is given as FILE.py:CLASS"
        )
    if not path and kind not in LEARNERS.built_in:
        raise ConfigError(
            f"learner {kind!r} is of another package; give its file, FILE.py:CLASS, so that it is audited"
        )
    default = inspect.signature(LEARNERS[kind]).parameters.get("learning_rate")
    if default is None or "learning_rate" in given or _count(given) > 1:
        return given
    return given | {"learning_rate": suite.rates["with_theorem" if default.default is None else "without_theorem"]}


def _count(given: dict[str, Any]) -> int:
    count = 1
    for key, value in given.items():
        if key not in ("kind", "name", "tune"):
            try:
                count *= len(alternatives(key, value, 64))
            except ValueError as error:
                raise ConfigError(f"{key}: {error}") from None
    return count
