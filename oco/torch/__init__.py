"""S-Shampoo as PyTorch optimizers, and the spectra that motivate it (extra ``torch``).

- :class:`SketchyShampoo`: Shampoo in sub-linear memory;
- :class:`Shampoo`: the same code with full factors;
- :class:`SpectrumProbe`: spectra of Kronecker-factored gradient covariances of any model during training,
  drawn by :func:`spectrum_figure`;
- :mod:`oco.torch.sketch`: the sketch updates as pure functions.
"""

try:
    import torch as _torch  # noqa: F401
except ImportError as error:
    raise ImportError("oco.torch needs PyTorch: pip install 'oco-regret[torch]'") from error

from oco.torch.shampoo import Shampoo
from oco.torch.sketchy import SketchyShampoo
from oco.torch.spectrum import SpectrumProbe
from oco.torch.spectrum_figure import spectrum_figure

__all__ = ["Shampoo", "SketchyShampoo", "SpectrumProbe", "spectrum_figure"]
