"""Options by concern: what cannot be combined cannot be written, and flat options of earlier versions mean the same."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import warnings

import numpy as np
import pytest
import torch

from oco.errors import ConfigError
from oco.torch import OPTIMIZERS, Compatibility, Graft, Preconditioner, RankBudget, Shampoo, SketchyShampoo
from oco.torch.grafting import GRAFTS
from oco.torch.groups import Settings

BOTH = pytest.mark.parametrize("optimizer_class", [SketchyShampoo, Shampoo])

# Every flat option of earlier versions with a value that is not the default, and what is written now.
SHARED = [
    ({"graft_eps": 1e-3}, {"graft": Graft(eps=1e-3)}),
    ({"graft": "adam", "graft_eps": 1e-3}, {"graft": Graft("adam", eps=1e-3)}),
    ({"relative_eps": False}, {"preconditioner": Preconditioner(relative_eps=False)}),
    ({"merge_dims": 7}, {"preconditioner": Preconditioner(merge_dims=7)}),
    ({"max_dim": 50}, {"preconditioner": Preconditioner(max_dim=50)}),
    ({"vectors": True}, {"preconditioner": Preconditioner(vectors=True)}),
    ({"exponent": -0.5}, {"compatibility": Compatibility(exponent=-0.5)}),
    ({"statistics": "sum"}, {"compatibility": Compatibility(statistics="sum")}),
    ({"merge": "greedy"}, {"compatibility": Compatibility(merge="greedy")}),
    ({"bias_correction": False}, {"compatibility": Compatibility(bias_correction=False)}),
]
SKETCHED = [
    ({"tail_decay": "sqrt"}, {"compatibility": Compatibility(tail_decay="sqrt")}),
    ({"pseudo_inverse": True}, {"compatibility": Compatibility(pseudo_inverse=True)}),
    ({"rank": "auto", "budget": 300}, {"rank": RankBudget(300)}),
    ({"rank": "auto", "budget": 0.9, "reallocate_at": (2,)}, {"rank": RankBudget(0.9, reallocate_at=(2,))}),
    (
        {"rank": "auto", "budget": 300, "reallocate_at": (2,), "allocate_by": "intrinsic_dimension"},
        {"rank": RankBudget(300, reallocate_at=(2,), by="intrinsic_dimension")},
    ),
]
PAIRS = [(kind, *pair) for kind in (SketchyShampoo, Shampoo) for pair in SHARED]
PAIRS += [(SketchyShampoo, *pair) for pair in SKETCHED]


def parameters():
    generator = torch.Generator().manual_seed(0)
    return [torch.nn.Parameter(torch.randn(s, generator=generator)) for s in ((6, 5), (4, 3, 2), (5,))]


def train(optimizer, params, steps=4, seed=1):
    generator = torch.Generator().manual_seed(seed)
    for _ in range(steps):
        for p in params:
            p.grad = torch.randn(p.shape, generator=generator)
        optimizer.step()


def plain(group):
    return {name: value for name, value in group.items() if name not in ("params", "param_names")}


@pytest.mark.parametrize(("optimizer_class", "earlier", "now"), PAIRS)
def test_an_earlier_flat_option_warns_with_its_replacement_and_does_the_same(optimizer_class, earlier, now):
    first, second = parameters(), parameters()
    common = {"update_freq": 1, "start_step": 1}
    with pytest.warns(DeprecationWarning, match="will go in the next release") as found:
        one = optimizer_class(first, **common, **earlier)
    (keyword, record) = next(iter(now.items()))
    said = [str(warning.message) for warning in found]
    renamed = [name for name in earlier if name not in ("rank", "graft")]
    assert len(said) == len(renamed)
    for name, message in zip(renamed, said, strict=True):
        assert message.startswith(f"the option {name} will go in the next release: write {keyword}=")
        assert type(record).__name__ in message
    assert {warning.filename for warning in found} == {__file__}
    two = optimizer_class(second, **common, **now)
    assert plain(one.param_groups[0]) == plain(two.param_groups[0])
    train(one, first), train(two, second)
    for p, q in zip(first, second, strict=True):
        assert torch.equal(p, q)


@BOTH
def test_groups_take_records_and_warn_of_earlier_flat_options_that_differ(optimizer_class):
    one, two, three = parameters()
    optimizer = optimizer_class(
        [{"params": [one], "graft": Graft("adam", eps=1e-4)}, {"params": [two]}],
        preconditioner=Preconditioner(merge_dims=1),
    )
    optimizer.add_param_group({"params": [three], "preconditioner": {"vectors": True}})
    settings = [Settings.of(group) for group in optimizer.param_groups]
    assert [s.graft for s in settings] == [Graft("adam", eps=1e-4), Graft(), Graft()]
    assert [s.preconditioner.merge_dims for s in settings] == [1, 1, 1024]
    assert [s.preconditioner.vectors for s in settings] == [False, False, True]
    other = parameters()
    with pytest.warns(DeprecationWarning, match="the option merge_dims will go"):
        optimizer.add_param_group({"params": [other[0]], "merge_dims": 3})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        optimizer.add_param_group({**optimizer.param_groups[0], "params": [other[1]]} | {"graft_eps": 1e-8})


def test_a_group_with_a_rank_of_its_own_has_no_share_in_the_budget_of_the_others():
    one, two, three = parameters()
    groups = [{"params": [one], "rank": 2}, {"params": [two, three]}]
    optimizer = SketchyShampoo(groups, rank=RankBudget(150, reallocate_at=(2,)))
    assert [Settings.of(group).rank for group in optimizer.param_groups] == [2, RankBudget(150, reallocate_at=(2,))]
    train(optimizer, [one, two, three])
    assert [row["rank"] for row in optimizer.report()][:2] == [2, 2]


def test_everyday_options_do_not_warn():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        SketchyShampoo(
            parameters(),
            lr=0.1,
            betas=(0.8, 0.99),
            rank=3,
            eps=1e-6,
            update_freq=5,
            start_step=2,
            graft="adam",
            momentum="trace",
            nesterov=True,
            weight_decay=0.1,
            method="svd",
            max_failures=1,
            maximize=True,
        )


@pytest.mark.parametrize(
    ("make", "message"),
    [
        *((lambda g=g: Graft(g, eps=1e-8), "has no second moment") for g in ("sqrt_n", "sgd", "none")),
        (lambda: Graft("lamb"), "Invalid graft value: 'lamb'"),
        (lambda: Graft(eps=-1.0), "Invalid graft_eps value: -1.0"),
        (lambda: RankBudget(0), "Invalid budget value: 0"),
        (lambda: RankBudget(True), "Invalid budget value: True"),
        (lambda: RankBudget(0.5, by="intrinsic_dimension"), "without reallocate_at ranks are never divided again"),
        (lambda: RankBudget(0.5, reallocate_at=(0,)), r"Invalid reallocate_at value: \(0,\)"),
        (lambda: Preconditioner(max_dim=0), "Invalid max_dim value: 0"),
        (lambda: Preconditioner(vectors=1), "Invalid vectors value: 1"),
        (lambda: Compatibility(exponent=0.5), "Invalid exponent value: 0.5"),
        (lambda: Compatibility(tail_decay="none"), "Invalid tail_decay value: 'none'"),
        (lambda: Shampoo(parameters(), compatibility=Compatibility(tail_decay="sqrt")), "has no sketch"),
        (lambda: Shampoo(parameters(), compatibility=Compatibility.reference()), "has no sketch"),
        (lambda: SketchyShampoo(parameters(), preconditioner=3), "Invalid preconditioner value: 3"),
        (lambda: SketchyShampoo(parameters(), preconditioner=Preconditioner(), vectors=True), "only one of them"),
        (lambda: SketchyShampoo(parameters(), graft=Graft(), graft_eps=1.0), "only one of them"),
        (lambda: SketchyShampoo(parameters(), rank=RankBudget(10**9), budget=5), "only one of them"),
    ],
)
def test_what_has_no_meaning_does_not_construct(make, message):
    with pytest.raises(ConfigError, match=message):
        make()


@BOTH
def test_an_unknown_option_is_refused_as_python_does(optimizer_class):
    for options in ({"colour": 1}, {"preconditioner": {"colour": 1}}):
        with pytest.raises(TypeError, match="unexpected keyword argument 'colour'"):
            optimizer_class(parameters(), **options)
    with pytest.raises(TypeError, match=r"Shampoo.__init__\(\) got an unexpected keyword argument 'rank'"):
        Shampoo(parameters(), rank=3)


@pytest.mark.parametrize("record", [Graft("adam"), Preconditioner(), RankBudget(9), Compatibility()])
def test_records_are_frozen_equal_by_value_and_repeat_themselves(record):
    name = dataclasses.fields(record)[0].name
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(record, name, None)
    assert eval(repr(record)) == record == copy.deepcopy(record) == pickle.loads(pickle.dumps(record))
    assert hash(record) == hash(copy.copy(record))


@pytest.mark.parametrize("graft", GRAFTS)
def test_a_graft_has_an_eps_exactly_where_it_has_a_second_moment(graft):
    assert (Graft(graft).eps is None) == (graft in ("sqrt_n", "sgd", "none"))


@pytest.mark.parametrize(
    "options",
    [
        {"graft": {"method": "adam", "eps": 1e-4}},
        {"preconditioner": {"vectors": True}},
        {"rank": {"floats": 200, "reallocate_at": [2]}},
        {"rank": np.int64(2)},
    ],
)
def test_records_may_be_given_as_mappings(options):
    params = parameters()
    optimizer = SketchyShampoo(params, compatibility={"statistics": "sum"}, **options)
    assert optimizer.param_groups[0]["statistics"] == "sum"
    train(optimizer, params)


def earlier_checkpoint(optimizer_class, params):
    """What earlier versions saved: a group with every option under its flat name."""
    options = {
        "lr": 1e-2, "betas": (0.9, 0.99), "eps": 1e-6, "relative_eps": False, "update_freq": 2, "start_step": 1,
        "graft": "sgd", "graft_eps": 1e-5, "momentum": "trace", "nesterov": True, "bias_correction": False,
        "weight_decay": 0.1, "merge_dims": 6, "merge": "greedy", "max_dim": 100, "vectors": True, "exponent": -0.3,
        "statistics": "sum", "max_failures": 5, "maximize": True,
    }  # fmt: skip
    if optimizer_class is SketchyShampoo:
        options |= {"rank": "auto", "budget": 150, "allocate_by": "escaped_mass", "reallocate_at": (), "method": "svd"}
        options |= {"tail_decay": "sqrt", "pseudo_inverse": True}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        optimizer = optimizer_class(params, **options)
    train(optimizer, params, 5)
    saved = copy.deepcopy(optimizer.state_dict())
    assert {name: saved["param_groups"][0][name] for name in options} == options
    return optimizer, {**saved, "param_groups": [{**options, "params": saved["param_groups"][0]["params"]}]}


@BOTH
def test_a_checkpoint_with_earlier_flat_options_goes_on_bit_for_bit(optimizer_class):
    params = parameters()
    optimizer, saved = earlier_checkpoint(optimizer_class, params)
    others = [torch.nn.Parameter(p.detach().clone()) for p in params]
    same = Preconditioner(merge_dims=6, max_dim=100, vectors=True)
    rank = {"rank": RankBudget(150)} if optimizer_class is SketchyShampoo else {}
    resumed = optimizer_class(others, preconditioner=same, compatibility=Compatibility(merge="greedy"), **rank)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        resumed.load_state_dict(saved)
        train(optimizer, params, 6, seed=3), train(resumed, others, 6, seed=3)
    assert plain(resumed.param_groups[0]).items() >= plain(saved["param_groups"][0]).items()
    for p, q in zip(params, others, strict=True):
        assert torch.equal(p, q)


def test_a_group_may_be_given_a_record_later():
    params = parameters()
    optimizer = SketchyShampoo(params, rank=3, update_freq=1)
    train(optimizer, params)
    optimizer.param_groups[0].update(rank=RankBudget(120), preconditioner=Preconditioner(relative_eps=False))
    train(optimizer, params)
    assert optimizer.param_groups[0]["relative_eps"] is False
    assert optimizer.param_groups[0]["rank"] == "auto"
    assert optimizer.param_groups[0]["budget"] == 120
    optimizer.param_groups[0]["graft"] = Graft("adam")
    with pytest.raises(ConfigError, match="only rank may change"):
        optimizer.step()


@pytest.mark.parametrize("kind", sorted(OPTIMIZERS))
def test_every_registered_optimizer_trains(kind):
    params = parameters()
    before = [p.detach().clone() for p in params]
    train(OPTIMIZERS[kind](params, lr=1e-2), params)
    assert not any(torch.equal(p, q) for p, q in zip(params, before, strict=True))
