"""The record of a game: what is kept of it, in memory, in a file, in a figure and in a notebook."""

from oco.record.record import Record

__all__ = ["Record"]
