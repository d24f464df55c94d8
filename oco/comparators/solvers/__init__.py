"""The solvers, one per file; `oco.comparators.solver` finds every `Solver` in the files of this folder."""
