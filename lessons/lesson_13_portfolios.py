r"""13. Portfolio selection: universal portfolios and Newton steps
==============================================================

Every month you divide your money over d stocks. If :math:`r_{t,i}` is the factor by which the price of stock i
changed, your wealth is multiplied by :math:`\langle r_t, x_t \rangle`, so the loss :math:`f_t(x) = -\ln \langle r_t,
x \rangle` adds up to the logarithm of what you lost. Regret compares you with the best *constantly rebalanced
portfolio*. Nothing is assumed of prices, and yet logarithmic regret is possible: Cover's universal portfolio (1991)
is the simplest proof that losses with curvature are easy, and the Online Newton Step of lesson 8 computes nearly as
good a portfolio quickly. The prices are real: 32 years of five companies, which come with Matplotlib. About 45
minutes; it runs in a few seconds. Builds on lessons 3 and 8.
"""

# %%
# Rebalancing
# -----------
#
# **Predict before you run.** Two assets. Cash never changes; the other one doubles in odd months and halves in even
# ones. After two years both are where they began. What has become of one dollar in the portfolio that is set back to
# half and half every month?

import csv
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.cbook import get_sample_data

import oco
from oco.checks import CheckFailed, exercise
from regret_experiments.lessons.drawing import lines, panels

seesaw = np.array([[1.0, 2.0], [1.0, 0.5]] * 12)
print("one dollar became", np.round(np.prod(seesaw @ [0.5, 0.5]), 2))

# %%
# *Answer.* In two months it grows by :math:`\frac32 \cdot \frac34 = \frac98`: rebalancing sells after a rise and buys
# after a fall. So the comparator of this game is stronger than the best stock, which is one corner of the simplex.

assert np.isclose(np.prod(seesaw @ [0.5, 0.5]), (9 / 8) ** 12)
assert (seesaw.prod(axis=0) == 1.0).all()

# %%
# Cover's universal portfolio
# ---------------------------
#
# Let :math:`W_t(x) = \prod_{s \le t} \langle r_s, x \rangle` be the wealth of the constantly rebalanced portfolio x.
# Give every portfolio of the simplex the same small part of your dollar, and let each go its way. Your wealth is then
# the *average* :math:`W_t = \int W_t(x)\, dx` (over the uniform distribution), and what you hold altogether is
#
# .. math:: x_{t+1} = \frac{\int x\, W_t(x)\, dx}{\int W_t(x)\, dx} .
#
# **Theorem.** :math:`R_T \le (d - 1) \ln(T + 1) + 1`, whatever the prices do.
#
# *Proof* (Blum and Kalai 1999). Let u be the best portfolio. Near it others do nearly as well: if
# :math:`x = (1 - \alpha) u + \alpha z` with any z in the simplex, then :math:`\langle r_t, x \rangle \ge (1 - \alpha)
# \langle r_t, u \rangle` in every round, hence :math:`W_T(x) \ge (1 - \alpha)^T W_T(u)`. These x are a copy of the
# simplex that is smaller by the factor :math:`\alpha`, so they are a part :math:`\alpha^{d-1}` of all portfolios. With
# :math:`\alpha = \frac{1}{T+1}`
#
# .. math:: W_T \ge \alpha^{d-1} (1 - \alpha)^T W_T(u) \ge \frac{W_T(u)}{(T + 1)^{d-1}\, e} ,
#
# because :math:`(1 - \frac{1}{T+1})^T = (1 + \frac1T)^{-T} \ge \frac1e`. Take logarithms.
#
# Where did :math:`\sqrt T` go? Mixing is *exact* here: the loss of the mixture is :math:`-\ln` of the mean of
# :math:`e^{-f_t}`, because :math:`e^{-f_t(x)} = \langle r_t, x \rangle` is linear. That is 1-exp-concavity, `(9)
# <lesson_08_second_order.html>`_ of lesson 8 with :math:`\alpha = 1`, and there is no term :math:`\eta^2 / 8` as in
# the proof of Hedge.
#
# For two assets the integral is a sum over a fine grid. The proof on the seesaw:

grid = np.linspace(0.0, 1.0, 2001)
mixes = np.column_stack([1.0 - grid, grid])
wealth_of_all = np.cumprod(seesaw @ mixes.T, axis=0)
universal = wealth_of_all.mean(axis=1)
regret = np.log(wealth_of_all[-1].max() / universal[-1])
print(f"universal: {universal[-1]:.2f}; regret {regret:.2f} <= {np.log(25) + 1:.2f}")
assert regret <= np.log(len(seesaw) + 1) + 1

# %%
# Five companies, 1990 to 2022
# ----------------------------
#
# The integral over five assets is expensive. The learners of lessons 2, 3 and 8 work in any dimension: Hedge (here
# called *exponentiated gradient*, Helmbold, Schapire, Singer and Warmuth 1998) has regret of order
# :math:`\sqrt{T \ln d}`, the Online Newton Step of order :math:`d \ln T`.

text = Path(get_sample_data("Stocks.csv", asfileobj=False)).read_text()
table = [line for line in csv.reader(text.splitlines()) if not line[0].startswith("#")]
companies = ["IBM", "AAPL", "MSFT", "XRX", "ADBE"]
columns = [table[0].index(name) for name in companies]
prices = np.array(
    [[line[c] for c in columns] for line in table[1:] if all(line[c] for c in columns)],
    dtype=float,
)
relatives = prices[1:] / prices[:-1]
relatives = relatives[(relatives != 1.0).any(axis=1)]  # one month stands there twice
print(f"{len(relatives)} months; one dollar became")
for name, factor in zip(companies, prices[-1] / prices[0], strict=True):
    print(f"    {name:5s}{factor:7.1f}")

# %%
# (They are five companies that still existed in 2022. Nobody could have chosen them in 1990 for that reason, so read
# the wealth below as a comparison between portfolios, not as a promise.)
#
# **Predict before you run.** Four portfolios: a fifth in each company every month, exponentiated gradient, the Online
# Newton Step at the constants of its theorem, and Cover's portfolio (an average over 20,000 random portfolios). Order
# them. Is the best constantly rebalanced portfolio ahead of the best stock by little, or by a factor?

market = oco.environments.PortfolioSelection(relatives)


class EqualShares(oco.Learner):
    """Never moves."""

    def start(self, problem):
        self.state = {"point": problem.domain.start}

    def update(self, gradient):
        pass


months = np.arange(1, len(relatives) + 1)
learners = {
    "equal shares": EqualShares(),
    "exponentiated gradient": oco.Hedge(),
    "Newton steps": oco.OnlineNewtonStep(),
}
records = {
    name: oco.play(market, learner, checkpoints=months)
    for name, learner in learners.items()
}
wealth = {name: np.exp(-r.curves["cumulative_loss"]) for name, r in records.items()}
best = records["equal shares"].best_point
wealth["best in hindsight"] = np.cumprod(relatives @ best)
drawn = np.random.default_rng(0).dirichlet(np.ones(5), size=20_000)
wealth["Cover's portfolio"] = np.cumprod(relatives @ drawn.T, axis=0).mean(axis=1)
for name, values in wealth.items():
    regret = np.log(wealth["best in hindsight"][-1] / values[-1])
    print(f"{name:24s} wealth {values[-1]:7.1f}   regret {regret:5.2f}")
print("best in hindsight:", dict(zip(companies, best.round(2).tolist(), strict=True)))

[axes] = panels(height=3.6)
looks = ["#777777", "hedge", "online_newton_step", "#000000 :", "#0072B2"]
curves = {
    name: (1990 + months / 12, values, look)
    for (name, values), look in zip(wealth.items(), looks, strict=True)
}
lines(axes, curves, log="y", xlabel="year", ylabel="wealth", title="Five companies")
plt.show()

# %%
# *Answer.* The best constant portfolio (two fifths in Apple, two in Microsoft, one in Adobe) has more than twice the
# wealth of the best stock: these prices moved a lot, and not together. Of the four the Newton steps are first, Cover's
# portfolio second. None of them reaches the best stock. Exponentiated gradient hardly moves in 389 months, because the
# learning rate of its theorem allows for prices that change by their largest ratio every month.
#
# A regret of 1 is a factor of e in wealth, *once*: it does not compound. The bounds are far from tight here. In ten
# times as many months that of exponentiated gradient would be :math:`\sqrt{10}` times as large, Cover's 1.4 times.

scale = np.log(len(relatives) + 1)
print(f"Cover's bound {4 * scale + 1:.1f}")
for name in ("exponentiated gradient", "Newton steps"):
    print(f"{name}: bound {records[name].bound.value:.1f}")
    assert records[name].regret.upper <= records[name].bound.value
hindsight = wealth["best in hindsight"][-1]
assert hindsight > 2 * (prices[-1] / prices[0]).max()
assert np.log(hindsight / wealth["Cover's portfolio"][-1]) <= 4 * scale + 1
ranking = [
    "equal shares",
    "exponentiated gradient",
    "Cover's portfolio",
    "Newton steps",
]
order = [wealth[name][-1] for name in ranking]
assert order == sorted(order)
assert order[-1] < (prices[-1] / prices[0]).max()
assert np.isclose(best.sum(), 1.0)

# %%
# Exercises
# ---------
#
# **13.1** Every month a coin says whether a price is multiplied or divided by c, independently for two stocks. By which
# factor does a half-and-half portfolio grow in two months *on average of the logarithm*: what is
# :math:`\exp(2\, \mathbb{E} \ln \langle r_t, x \rangle)`?


def growth_of_half_and_half(c):
    return None  # a formula


exercise(
    "13.1",
    lambda: growth_of_half_and_half(2.7),
    digest="3b1e145249bd6ade",
    digits=13,
)

# %%
# **13.2** Regret is the logarithm of a ratio of two wealths. According to the theorem, how many dollars has the best
# constantly rebalanced portfolio at most for every dollar of Cover's, with d stocks, after T months?


def largest_lead(stocks, months):
    return None  # a formula


exercise("13.2", lambda: largest_lead(5, 389), digest="179344d86775bf8a", digits=13)

# %%
# **13.3** Write Cover's portfolio for two assets on a grid of mixes: what to hold *before* every month. The check uses
# that its wealth is exactly the mean of the wealth of all mixes.


def cover(relatives, mixes):
    raise NotImplementedError(
        "return an array (T, 2): in row t the mean of the mixes, weighed by their "
        "wealth so far"
    )


def check_cover():
    generator = np.random.default_rng(6)
    months = np.exp(0.2 * generator.standard_normal((60, 2)))
    held = np.asarray(cover(months, mixes), dtype=float)
    if held.shape != (60, 2):
        raise CheckFailed(
            f"the portfolios have shape {held.shape}, they should be (60, 2)"
        )
    if not np.allclose(held[0], [0.5, 0.5]):
        raise CheckFailed(
            "before the first month all mixes have the same wealth: half and half"
        )
    mine = np.prod((months * held).sum(axis=1))
    theirs = np.prod(months @ mixes.T, axis=0).mean()
    if not np.isclose(mine, theirs):
        raise CheckFailed(
            f"your wealth is {mine:.4f}, the mean over all mixes {theirs:.4f}: which "
            "months does the portfolio of month t know?"
        )


exercise("13.3", check_cover)

# %%
# Further reading: Cover, *Universal portfolios* (1991); Hazan, *Introduction to Online Convex Optimization*, Chapter 4;
# Cesa-Bianchi and Lugosi, *Prediction, Learning, and Games*, Chapter 10.
