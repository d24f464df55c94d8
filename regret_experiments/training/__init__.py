"""Training networks with the matrix learner as an optimizer: tasks, tuned learning rates, fresh seeds, spectra.

Importing this package does not import torch; training does.
"""

from regret_experiments.training.config import TrainingConfig, load_training, parse_training
from regret_experiments.training.runs import TrainingRun
from regret_experiments.training.sweep import run_training

__all__ = ["TrainingConfig", "TrainingRun", "load_training", "parse_training", "run_training"]
