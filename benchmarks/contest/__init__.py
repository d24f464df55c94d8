"""Optimizers of a few kinds on a few tasks, all tuned alike: loss against total state and against time."""
