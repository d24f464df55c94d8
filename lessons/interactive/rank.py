r"""Interactive: what a sketch of rank k remembers
==============================================

Move the sliders: the rank of a Frequent Directions sketch, and how fast the spectrum of the stream falls. Left are the
eigenvalues of the covariance G, of the sketch, and of the sketch with the escaped mass added back; right are the error,
the escaped mass and the bound of lesson 6 for every rank. In a notebook with ipywidgets the sliders are widgets; else
they are matplotlib's, in a window or with ``%matplotlib widget``.
"""

# %%
# At which exponents is a small rank enough? What does the sketch look like when nothing falls (exponent 0)?

import functools

import matplotlib.pyplot as plt
import numpy as np

import oco

DIMENSION, ROUNDS = 24, 400


@functools.cache
def stream(exponent):
    """The rows of a stream whose covariance has eigenvalues falling as ``i^-exponent``."""
    return oco.environments.SpectrumLinear(DIMENSION, ROUNDS, exponent=exponent).block(0, ROUNDS).rows


@functools.cache
def sketched(exponent, rank):
    """Eigenvalues of the sketch, the escaped mass and the spectral error."""
    sketch = oco.FrequentDirections(DIMENSION, rank)
    sketch.update(stream(exponent))
    values = np.zeros(DIMENSION)
    values[: sketch.eigenvalues.size] = sketch.eigenvalues
    covariance = stream(exponent).T @ stream(exponent)
    return values, sketch.escaped_mass, np.linalg.norm(covariance - sketch.covariance(), 2)


def draw(figure, rank, exponent):
    """Draw both panels into ``figure``."""
    left, right = figure.axes[:2]
    left.clear()
    right.clear()
    exact = np.linalg.eigvalsh(stream(exponent).T @ stream(exponent))[::-1]
    values, mass, _ = sketched(exponent, rank)
    index = np.arange(1, DIMENSION + 1)
    left.plot(index, exact, "ko", markersize=4, label="G")
    left.bar(index, values, color="#D55E00", alpha=0.8, label=f"sketch of rank {rank}")
    left.bar(index, mass, bottom=values, color="none", edgecolor="#0072B2", label=f"escaped mass {mass:.1f}")
    left.set(xlabel="eigenvalue", title="The sketch is below G, with the mass it is above")
    left.legend(frameon=False)
    ranks = np.arange(1, DIMENSION)
    bounds = [min(exact[j:].sum() / (k + 1 - j) for j in range(k + 1)) for k in ranks]
    right.plot(ranks, bounds, "k:", label="bound (6)")
    right.plot(ranks, [sketched(exponent, int(k))[1] for k in ranks], color="#0072B2", label="escaped mass")
    right.plot(
        ranks, [sketched(exponent, int(k))[2] for k in ranks], "--", color="#D55E00", label="error of the sketch"
    )
    right.axvline(rank, color="#AAAAAA")
    right.set(xlabel="rank k", title=f"eigenvalues fall as i^-{exponent:.1f}", ylim=(0, None))
    right.legend(frameon=False)


def make_figure():
    """An empty figure with two panels."""
    figure, _ = plt.subplots(1, 2, figsize=(8.6, 4.4))
    figure.subplots_adjust(bottom=0.28)
    return figure


# %%
try:
    import ipywidgets
    from IPython import get_ipython

    in_notebook = get_ipython() is not None
except ImportError:
    in_notebook = False

if in_notebook:

    @ipywidgets.interact(rank=(1, DIMENSION - 1), exponent=(0.0, 3.0, 0.25))
    def panel(rank=6, exponent=1.0):
        draw(make_figure(), rank, exponent)
        plt.show()

else:
    from matplotlib.widgets import Slider

    figure = make_figure()
    rank = Slider(figure.add_axes((0.12, 0.08, 0.3, 0.04)), "rank", 1, DIMENSION - 1, valinit=6, valstep=1)
    exponent = Slider(figure.add_axes((0.62, 0.08, 0.3, 0.04)), "exponent", 0.0, 3.0, valinit=1.0, valstep=0.25)
    redraw = lambda _: (draw(figure, int(rank.val), float(exponent.val)), figure.canvas.draw_idle())  # noqa: E731
    rank.on_changed(redraw)
    exponent.on_changed(redraw)
    redraw(None)
    plt.show()
