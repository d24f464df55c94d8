"""Plans: the runs that a config asks for, named by their content."""

from regret_experiments.plan.content import RESULT_SCHEMA, content_hash
from regret_experiments.plan.planner import Plan, Stage, make_plan
from regret_experiments.plan.runs import Game, PlannedRun, Run

__all__ = ["RESULT_SCHEMA", "Game", "Plan", "PlannedRun", "Run", "Stage", "content_hash", "make_plan"]
