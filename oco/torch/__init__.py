"""S-Shampoo as PyTorch optimizers, and the spectra that motivate it (extra ``torch``).

- :class:`SketchyShampoo`: Shampoo in sub-linear memory;
- :class:`SketchySOAP`: the family around it: Adam in the sketched eigenbasis, a choice of tails, little or no momentum;
- :class:`Shampoo`: the same code with full factors;
- :class:`Graft`, :class:`Preconditioner`, :class:`RankBudget`, :class:`Compatibility`: their options by concern;
- :class:`Tail`, :class:`Momentum`, :class:`Unsketched`: those of :class:`SketchySOAP`;
- :class:`UpdateRegret`: the regret of an optimizer's updates, and :class:`OnlineUpdates`, whose updates are a learner's
  plays;
- :class:`MuonWithAdamW`: PyTorch's Muon for matrices and its AdamW for the rest, as one optimizer;
- ``OPTIMIZERS``: the optimizers that a training experiment may compare;
- :class:`SpectrumProbe`: spectra of Kronecker-factored gradient covariances of any model during training, with those of
  frozen networks and shuffled labels from :func:`controlled_spectra`, drawn by :func:`spectrum_figure`;
- :func:`advise_rank`: the rank that each matrix of a model needs, from a :class:`GradientTape`;
- :class:`ShardedOptimizer`: any of these for models under ``fully_shard`` (FSDP2);
- :mod:`oco.torch.sketch`: the sketch updates as pure functions.
"""

try:
    import torch as _torch
except ImportError as error:
    raise ImportError("oco.torch needs PyTorch: pip install 'oco-regret[torch]'") from error

from collections.abc import Callable

from oco.torch.gradient_tape import GradientTape
from oco.torch.grafting import Graft
from oco.torch.members import Momentum, Tail, Unsketched
from oco.torch.muon import MuonWithAdamW
from oco.torch.online_updates import OnlineUpdates
from oco.torch.options import Compatibility, Preconditioner, RankBudget
from oco.torch.rank_advice import RankAdvice, advise_rank
from oco.torch.shampoo import Shampoo
from oco.torch.sharded import ShardedOptimizer
from oco.torch.sketchy import SketchyShampoo
from oco.torch.sketchy_soap import SketchySOAP
from oco.torch.spectrum import SpectrumProbe
from oco.torch.spectrum_controls import controlled_spectra
from oco.torch.spectrum_figure import spectrum_figure
from oco.torch.update_regret import UpdateRegret, regret_interval

OPTIMIZERS: dict[str, Callable[..., _torch.optim.Optimizer]] = {
    "adam": _torch.optim.Adam,
    "adamw": _torch.optim.AdamW,
    "adafactor": _torch.optim.Adafactor,
    "muon": MuonWithAdamW,
    "nadam": _torch.optim.NAdam,
    "sgd": _torch.optim.SGD,
    "shampoo": Shampoo,
    "sketchy_shampoo": SketchyShampoo,
    "sketchy_soap": SketchySOAP,
}
"""What a training experiment may compare: every ``kind`` and its class."""

__all__ = [
    "OPTIMIZERS",
    "Compatibility",
    "GradientTape",
    "Graft",
    "Momentum",
    "MuonWithAdamW",
    "OnlineUpdates",
    "Preconditioner",
    "RankAdvice",
    "RankBudget",
    "Shampoo",
    "ShardedOptimizer",
    "SketchySOAP",
    "SketchyShampoo",
    "SpectrumProbe",
    "Tail",
    "Unsketched",
    "UpdateRegret",
    "advise_rank",
    "controlled_spectra",
    "regret_interval",
    "spectrum_figure",
]
