"""Many entries as one table: relative regret, ranks in which gaps count, and fronts of regret and memory."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from oco.errors import ConfigError
from oco.regret.verdict import Verdict, worst
from regret_experiments.bench.entry import Entry
from regret_experiments.bench.suite import Suite
from regret_experiments.comparison import LearnerRanks, Row
from regret_experiments.statistics import average_ranks
from regret_experiments.tables import COLUMNS

_MEASURE = next(column for column in COLUMNS if column.name == "regret_best")


@dataclass(frozen=True)
class Scores:
    """What a set of entries says.

    Attributes
    ----------
    suite
        That they played.
    entries
        By the name of the learner.
    """

    suite: Suite
    entries: Mapping[str, Entry]

    @cached_property
    def unplayed(self) -> dict[str, str]:
        """Learners that play no stream at all and stand in no table, each with the reason it gives first."""
        return {
            name: next(iter(entry["gaps"].values()), "")
            for name, entry in self.entries.items()
            if not entry["streams"] and entry["gaps"]
        }

    @cached_property
    def frame(self) -> pd.DataFrame:
        """A row for every stream and learner that plays some stream and had the data of this one.

        Columns: ``learner``, ``group``, ``stream``; ``regret`` (mean over orders of the certified upper end; of a
        stream that drifts the dynamic regret), its ``low`` and ``high`` over the orders; ``bound``, at the theorem's
        learning rate where there is one, its ``verdict``, and ``worth``, the bound over the static regret of the same
        game if the bound's assumptions hold there; ``price``, the regret at the theorem's rate over that at the tuned
        one, on the same order;
        ``floats``; ``seconds`` of all games; ``violations``; ``gap`` (a sentence, or empty); ``point`` (the tuned one);
        ``best`` (the least ``regret`` of all learners on the stream), ``relative`` (``regret / best``, missing unless
        ``best`` is positive), and ``place``: the rank on the stream. Regrets that are equal in six digits share it, and
        all gaps share the last places.
        """
        rows = [
            _cell(name, stream.group, stream.name, entry)
            for name, entry in self.entries.items()
            if name not in self.unplayed
            for stream in self.suite.streams
            if stream.name in entry["streams"] or stream.name in entry["gaps"]
        ]
        frame = pd.DataFrame(rows)
        best = frame.groupby("stream")["regret"].transform("min")
        frame["best"] = best
        frame["relative"] = frame["regret"] / best.where(best > 0.0)
        frame["place"] = frame.groupby("stream")["regret"].transform(
            lambda regrets: pd.Series(stats.rankdata(_shown(regrets).fillna(math.inf)), index=regrets.index)
        )
        return frame

    @cached_property
    def streams(self) -> list[str]:
        """Streams by which learners are ranked: those whose data every entry had, and that some learner can play."""
        absent = {name for entry in self.entries.values() for name in entry["absent"]}
        played = {name for entry in self.entries.values() for name in entry["streams"]}
        return [stream.name for stream in self.suite.streams if stream.name in played - absent]

    @cached_property
    def ranked(self) -> pd.DataFrame:
        """The rows of `frame` on the streams by which learners are ranked."""
        return self.frame[self.frame["stream"].isin(self.streams)]

    @cached_property
    def learners(self) -> pd.DataFrame:
        """A row for every learner, best first.

        Columns: ``learner``, ``mean_rank`` over all ranked streams, ``streams`` that it played, ``wins`` (streams with
        the lowest regret of all), ``floats`` (geometric mean), a column for every group with the geometric mean of
        ``relative`` on its streams that were played, ``gaps`` in all, ``worth`` and ``price`` (medians),
        ``held`` and ``bounds`` (bounds that hold, of those whose assumptions do), ``seconds`` of all its games.
        """
        rows = [self._learner(name, mine) for name, mine in self.ranked.groupby("learner", sort=False)]
        return pd.DataFrame(rows).sort_values(["mean_rank", "learner"], kind="stable", ignore_index=True)

    def _learner(self, name: Any, mine: pd.DataFrame) -> dict[str, Any]:
        groups = {group: _geometric(mine.loc[mine["group"] == group, "relative"]) for group in self.suite.groups}
        stated = mine["bound"].notna() & (mine["verdict"] != str(Verdict.VIOLATED))
        return {
            "learner": name,
            "mean_rank": float(mine["place"].mean()),
            "streams": int((mine["gap"] == "").sum()),
            "gaps": int((mine["gap"] != "").sum()),
            "wins": int((mine["place"] == 1.0).sum()),
            "floats": _geometric(mine["floats"]),
            **groups,
            "worth": float(mine["worth"].median()),
            "price": float(mine["price"].median()),
            "held": int((mine.loc[stated, "verdict"] == str(Verdict.HOLDS)).sum()),
            "bounds": int(stated.sum()),
            "broken": int((mine["verdict"] == str(Verdict.BROKEN)).sum()),
            "seconds": float(mine["seconds"].sum()),
        }

    def ranks(self, names: list[str] | None = None) -> LearnerRanks:
        """Mean ranks among the learners called ``names``, Friedman's test and Nemenyi's critical difference.

        Raises
        ------
        ConfigError
            With fewer than three learners, or than two streams.
        """
        names = [name for name in self.entries if name not in self.unplayed] if names is None else names
        table = self.ranked[self.ranked["learner"].isin(names)]
        values = table.pivot(index="stream", columns="learner", values="regret").reindex(self.streams)[names]
        if values.shape[0] < 2 or len(names) < 3:
            raise ConfigError(
                f"mean ranks are compared over 2 streams and 3 learners at least; here are {values.shape[0]} streams "
                f"and {len(names)} learners"
            )
        last = 1.0 + values.max(axis=1).abs() + values.max(axis=1)
        filled = values.apply(lambda column: _shown(column.fillna(last)).fillna(0.0))
        found = average_ranks(filled.to_numpy(float), 0.05)
        rows = tuple(Row(name, self.entries[name]["learner"]["kind"], None) for name in names)
        return LearnerRanks(rows, _MEASURE, "regret", values, found, (), 0.05)

    def plane(self, group: str) -> pd.DataFrame:
        """Memory and regret of the learners that played every stream of a group, and whether they are on the front.

        Columns: ``learner``, ``kind``, ``floats`` and ``relative`` (geometric means over the group's streams), and
        ``front``: whether no other learner has both fewer floats and less regret.
        """
        mine = self.ranked[(self.ranked["group"] == group) & ~(self.ranked["best"] <= 0.0)]
        rows = [
            {
                "learner": name, "kind": self.entries[str(name)]["learner"]["kind"],
                "floats": _geometric(part["floats"]), "relative": _geometric(part["relative"]),
            }
            for name, part in mine.groupby("learner", sort=False)
            if (part["gap"] == "").all()
        ]  # fmt: skip
        plane = pd.DataFrame(rows, columns=["learner", "kind", "floats", "relative"])
        plane["front"] = [
            not (
                ((plane["floats"] <= row.floats) & (plane["relative"] < row.relative))
                | ((plane["floats"] < row.floats) & (plane["relative"] <= row.relative))
            ).any()
            for row in plane.itertuples()
        ]
        return plane.sort_values(["floats", "relative"], ignore_index=True)


def _cell(learner: str, group: str, stream: str, entry: Entry) -> dict[str, Any]:
    """A learner on a stream: means over the orders, or the reason for a gap."""
    names: dict[str, Any] = {"learner": learner, "group": group, "stream": stream}
    numbers = ("regret", "low", "high", "bound", "worth", "price", "floats", "seconds")
    if stream not in entry["streams"]:
        return names | dict.fromkeys(numbers, math.nan) | {
            "verdict": "", "violations": 0, "gap": entry["gaps"][stream], "point": "",
        }  # fmt: skip
    found = entry["streams"][stream]
    rows = pd.DataFrame(found["rows"], columns=entry["columns"])
    promised = pd.DataFrame([found["theorem"]] if "theorem" in found else found["rows"], columns=entry["columns"])
    static, bound = (float(promised[name].astype(float).mean(skipna=False)) for name in ("regret_upper", "bound"))
    tuned = float(rows["regret_upper"].astype(float).iloc[0])
    verdict = worst(map(Verdict, promised["verdict"]))
    judged = static > 0.0 and verdict is not Verdict.VIOLATED
    drifts = bool(rows["regret_dynamic"].notna().all())
    lower, upper = (rows["regret_dynamic" if drifts else f"regret_{end}"].astype(float) for end in ("lower", "upper"))
    return names | {
        "regret": float(upper.mean(skipna=False)),
        "low": float(lower.min()),
        "high": float(upper.max()),
        "bound": bound,
        "worth": bound / static if judged else math.nan,
        "price": static / tuned if "theorem" in found and min(static, tuned) > 0.0 else math.nan,
        "verdict": str(verdict),
        "floats": float(max(rows["peak_floats"].max(), _needed(entry, stream))),
        "seconds": float(rows["seconds"].mean()) * (len(rows) + len(found["tuning"])),
        "violations": int(rows["violations"].sum()),
        "gap": "",
        "point": found["point"],
    }


def _needed(entry: Entry, stream: str) -> int:
    """Numbers that the state was seen to need in the audit, which may be more than is counted at the checkpoints."""
    audit = entry["audit"]
    return 0 if audit is None else int(audit["words"].get(stream, 0))


def _shown(regrets: pd.Series[float]) -> pd.Series[float]:
    """Regrets to six digits, so that games that differ only in rounding are equal, as with an adaptive adversary."""
    return regrets.map(lambda regret: float(f"{regret:.6g}"))


def _geometric(values: pd.Series[float]) -> float:
    known = values.dropna()
    return float(np.exp(np.log(known).mean())) if len(known) else math.nan
