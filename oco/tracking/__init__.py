"""The regret tracker: small observers of one game, and the class that composes them into a record."""

from oco.tracking.tracker import Tracker

__all__ = ["Tracker"]
