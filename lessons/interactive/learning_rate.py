r"""Interactive: the learning rate against an opponent
==================================================

Move the sliders: the learning rate of gradient descent (as a multiple of the theorem's), and the opponent. Left are the
points that were played in the plane, right the regret so far with the theorem's bound. In a notebook with ipywidgets
the sliders are widgets; else they are matplotlib's, in a window or with ``%matplotlib widget``.
"""

# %%
# Try to find a learning rate that is good in all three games. Which of them can tell good from bad at all?

import matplotlib.pyplot as plt
import numpy as np

import oco

ROUNDS = 400
GAMES = {
    "trap of the leader": oco.environments.FollowTheLeaderTrap(2, ROUNDS),
    "random directions": oco.environments.BallLowerBound(2, ROUNDS),
    "regression": oco.environments.NoisyRegression(2, ROUNDS, loss="absolute", noise=0.1),
}


def play(name, multiple):
    """The points of one game, the regret after each round, and the bound, for a multiple of the theorem's rate."""
    game = GAMES[name].fresh(0)
    rate = multiple * game.domain.diameter() / game.gradient_bound
    learner = oco.OGD(rate)
    learner.start(oco.Problem(game.domain, ROUNDS, gradient_bound=game.gradient_bound))
    points = []
    for _ in range(ROUNDS):
        points.append(learner.prediction.copy())
        learner.update(game.reveal(learner.prediction).gradient(learner.prediction))
    record = oco.play(GAMES[name], oco.OGD(rate), spectrum=False)
    return np.array(points), record.curves


def draw(figure, name, log_multiple):
    """Draw both panels into ``figure``."""
    for axes in figure.axes[:2]:
        axes.clear()
    left, right = figure.axes[:2]
    points, curves = play(name, 10.0**log_multiple)
    left.add_patch(plt.Circle((0, 0), GAMES[name].domain.radius("l2"), fill=False, color="#999999"))
    left.plot(*points.T, "-", color="#7F7F7F", linewidth=0.6)
    left.scatter(*points.T, c=np.arange(ROUNDS), cmap="viridis", s=8, zorder=3)
    left.set(aspect="equal", title=f"points, early dark to late bright\n{name}", xlabel="$x_1$", ylabel="$x_2$")
    right.plot(curves["round"], curves["regret_upper"], color="#0072B2", label="regret")
    right.plot(curves["round"], curves["bound"], ":", color="#444444", label="bound")
    right.set(xscale="log", yscale="log", ylim=(0.1, 3000), xlabel="rounds", title=f"{10.0**log_multiple:.2f} x D / G")
    right.legend(loc="upper left", frameon=False)


def make_figure():
    """An empty figure with two panels."""
    figure, _ = plt.subplots(1, 2, figsize=(8.0, 4.2))
    figure.subplots_adjust(bottom=0.3, wspace=0.3, top=0.85)
    return figure


# %%
try:
    import ipywidgets
    from IPython import get_ipython

    in_notebook = get_ipython() is not None
except ImportError:
    in_notebook = False

if in_notebook:

    @ipywidgets.interact(opponent=list(GAMES), log_multiple=(-2.0, 2.0, 0.1))
    def panel(opponent, log_multiple=0.0):
        draw(make_figure(), opponent, log_multiple)
        plt.show()

else:
    from matplotlib.widgets import RadioButtons, Slider

    figure = make_figure()
    slider = Slider(figure.add_axes((0.5, 0.08, 0.35, 0.04)), "log10 of multiple", -2.0, 2.0, valinit=0.0, valstep=0.1)
    choice = RadioButtons(figure.add_axes((0.05, 0.01, 0.22, 0.17)), list(GAMES))
    redraw = lambda _: (draw(figure, choice.value_selected, slider.val), figure.canvas.draw_idle())  # noqa: E731
    slider.on_changed(redraw)
    choice.on_clicked(redraw)
    redraw(None)
    plt.show()
