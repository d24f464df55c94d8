"""OCO-Bench: a fixed suite of streams that every learner plays, its table, and the check of an entry.

Nothing is imported here, because the process in which an audited learner runs must not hold an environment.
"""
