"""Checkpoints from elsewhere: cast, matched by name, completed with defaults, or refused with nothing changed."""

from __future__ import annotations

import copy
import pickle

import pytest
import torch

from oco.errors import ConfigError
from oco.torch import Compatibility, RankBudget, Shampoo, SketchyShampoo

BOTH = pytest.mark.parametrize("optimizer_class", [SketchyShampoo, Shampoo])
PLAIN = Compatibility(bias_correction=False)
DTYPES = (torch.float64, torch.float32, torch.bfloat16, torch.float16)


def parameter(*shape, dtype=torch.float32):
    return torch.nn.Parameter(torch.zeros(shape, dtype=dtype))


def train(optimizer, steps, *params, seed=0):
    generator = torch.Generator().manual_seed(seed)
    for _ in range(steps):
        for p in params:
            p.grad = torch.randn(p.shape, generator=generator).to(p.dtype)
        optimizer.step()


@pytest.mark.parametrize("source", DTYPES)
@pytest.mark.parametrize("target", DTYPES)
@BOTH
def test_states_are_cast_to_the_precision_of_the_parameters(optimizer_class, source, target):
    p, q = parameter(6, 5, dtype=source), parameter(6, 5, dtype=target)
    first, second = optimizer_class([p]), optimizer_class([q])
    train(first, 12, p)
    second.load_state_dict(first.state_dict())
    wanted = torch.promote_types(target, torch.float32)
    for name, value in second.state[q].items():
        assert value.dtype == (torch.float32 if name == "step" else wanted)
        assert torch.equal(value, first.state[p][name].to(value.dtype))
    train(second, 12, q)
    assert torch.isfinite(q).all()


@BOTH
def test_a_model_may_change_its_precision_while_it_trains(optimizer_class):
    layer = torch.nn.Linear(5, 6)
    optimizer = optimizer_class(layer.parameters())
    train(optimizer, 5, *layer.parameters())
    before = {name: value.clone() for name, value in optimizer.state[layer.weight].items()}
    layer.double()
    train(optimizer, 1, *layer.parameters())
    assert optimizer.state[layer.weight]["exp_avg"].dtype == torch.float64
    factor = f"{optimizer.axis_names[0]}_0"
    assert torch.equal(optimizer.state[layer.weight][factor], before[factor].double())
    assert float(optimizer.state[layer.weight]["step"]) == 6


@BOTH
def test_named_parameters_in_another_order_keep_their_own_state(optimizer_class):
    a, b, c = parameter(5, 5), parameter(5, 5), parameter(5, 5)
    first = optimizer_class([{"params": [("a", a), ("b", b)]}, {"params": [("c", c)], "lr": 0.5}])
    train(first, 12, a, b, c)
    second = optimizer_class([{"params": [("c", c)]}, {"params": [("b", b), ("a", a)]}])
    second.load_state_dict(first.state_dict())
    for param in (a, b, c):
        for name, value in first.state[param].items():
            assert torch.equal(second.state[param][name], value), name
    assert [group["param_names"] for group in second.param_groups] == [["c"], ["b", "a"]]
    assert [group["lr"] for group in second.param_groups] == [0.5, 1e-3]
    assert [len(group["params"]) for group in second.param_groups] == [1, 2]
    assert second.param_groups[1]["params"][0] is b


@BOTH
def test_unnamed_checkpoints_are_matched_by_position(optimizer_class):
    a, b = parameter(5, 5), parameter(5, 5)
    first = optimizer_class([a, b])
    train(first, 3, a, b)
    second = optimizer_class([("b", b), ("a", a)])
    second.load_state_dict(first.state_dict())
    assert torch.equal(second.state[b]["exp_avg"], first.state[a]["exp_avg"])
    assert second.param_groups[0]["param_names"] == ["b", "a"]


def saved(optimizer, *params):
    train(optimizer, 3, *params)
    return optimizer.state_dict()


def sketchy(*shape, **options):
    p = parameter(*shape)
    return saved(SketchyShampoo([("w", p)], **{"rank": 2, **options}), p)


def full(*shape):
    p = parameter(*shape)
    return saved(Shampoo([("w", p)]), p)


def adam(*shape):
    p = parameter(*shape)
    return saved(torch.optim.Adam([p]), p)


def damaged(change):
    state = sketchy(5, 4)
    change(state)
    return state


REFUSED = [
    (lambda: sketchy(3, 4), "its state of w is that of a parameter of shape (3, 4), not (5, 4)"),
    (lambda: sketchy(3, 4, betas=(0.0, 0.9)), "its state of w holds"),
    (lambda: sketchy(5, 4, rank=3), "the checkpoint has rank=3 and budget=None, this optimizer rank=2"),
    (lambda: sketchy(5, 4, rank=RankBudget(40)), "the checkpoint has rank='auto' and budget=40"),
    (lambda: adam(5, 4), "its state of w holds exp_avg_sq and lacks basis_0"),
    (lambda: full(5, 4), "its state of w holds factor_0, factor_1, inverse_root_0, inverse_root_1 and lacks basis_0"),
    (lambda: sketchy(5, 4, max_failures=3) | {"param_groups": []}, "the checkpoint"),
    (lambda: damaged(lambda s: s["param_groups"][0].update(param_names=["v"])), "named parameters differ"),
    (lambda: damaged(lambda s: s["param_groups"][0].update(lr="1e-3")), "Invalid learning rate: '1e-3'"),
    (lambda: damaged(lambda s: s["state"][0].pop("graft_1")), "its state of w lacks graft_1"),
    (lambda: damaged(lambda s: s["state"][0].update(basis_0=torch.zeros(5, 3))), "holds basis_0 of shape (5, 3)"),
]


@pytest.mark.filterwarnings("ignore:.*none of the .* parameters of group:UserWarning")
@pytest.mark.parametrize(("make", "message"), REFUSED)
def test_a_checkpoint_that_does_not_fit_is_refused_and_changes_nothing(make, message):
    p = parameter(5, 4)
    optimizer = SketchyShampoo([("w", p)], rank=2)
    train(optimizer, 4, p, seed=1)
    before = copy.deepcopy(optimizer.state_dict())
    foreign = make()
    with pytest.raises(ConfigError) as caught:
        optimizer.load_state_dict(foreign)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    after = optimizer.state_dict()
    assert after["param_groups"] == before["param_groups"]
    assert after["state"].keys() == before["state"].keys()
    for name, value in before["state"][0].items():
        assert torch.equal(after["state"][0][name], value)
    assert not optimizer._optimizer_load_state_dict_pre_hooks
    assert not optimizer._optimizer_load_state_dict_post_hooks


@BOTH
def test_a_checkpoint_without_later_options_and_counters_is_completed(optimizer_class):
    p = parameter(5, 4)
    first = optimizer_class([p], nesterov=True)
    train(first, 3, p)
    old = first.state_dict()
    for name in ("maximize", "vectors", "max_failures"):
        del old["param_groups"][0][name]
    for name in ("skipped", "norm", "failures"):
        del old["state"][0][name]
    second = optimizer_class([p], max_failures=7)
    second.load_state_dict(old)
    group = second.param_groups[0]
    assert (group["maximize"], group["vectors"], group["max_failures"], group["nesterov"]) == (False, False, 7, True)
    train(second, 12, p)
    assert second.skipped_steps() == {"parameter 0 of shape (5, 4)": 0}


@BOTH
def test_a_pickle_without_later_options_gets_the_defaults(optimizer_class):
    p = parameter(5, 4)
    optimizer = optimizer_class([p])
    train(optimizer, 3, p)
    del optimizer.param_groups[0]["maximize"], optimizer.defaults["maximize"]
    copied = pickle.loads(pickle.dumps(optimizer))
    assert copied.param_groups[0]["maximize"] is copied.defaults["maximize"] is False
    train(copied, 3, copied.param_groups[0]["params"][0])


@BOTH
def test_the_state_of_a_post_hook_is_kept(optimizer_class):
    p = parameter(5, 4)
    first, second = optimizer_class([p]), optimizer_class([p])
    train(first, 3, p)
    second.register_load_state_dict_post_hook(lambda o: o.state[p]["exp_avg"].fill_(7.0))
    second.load_state_dict(first.state_dict())
    assert (second.state[p]["exp_avg"] == 7.0).all()


@pytest.mark.parametrize("rank", [1, 4, 0.5, lambda d: 3])
def test_a_rank_that_is_changed_later_is_followed(rank):
    """What a shrinking sketch cuts goes into its escaped mass, so trace S + (k + 1) rho stays at most trace C, with k
    the least rank so far.
    """
    p = parameter(8, 6)
    optimizer = SketchyShampoo([p], rank=3, update_freq=2)
    train(optimizer, 5, p)
    optimizer.param_groups[0]["rank"] = rank
    train(optimizer, 1, p, seed=1)
    of = rank if callable(rank) else (lambda d: int(rank * d)) if isinstance(rank, float) else lambda d: rank
    rows = optimizer.report()
    assert [row["rank"] for row in rows] == [of(8), of(6)]
    for axis, row in enumerate(rows):
        kept = float(optimizer.state[p][f"singular_values_{axis}"].double().square().sum())
        assert kept + row["escaped_mass"] * (min(3, row["rank"]) + 1) <= row["trace"] * (1 + 1e-6)
    train(optimizer, 8, p, seed=2)
    assert torch.isfinite(p).all()


@pytest.mark.parametrize(
    "change", [{"graft": "adam"}, {"max_dim": 2}, {"merge_dims": 2}, {"vectors": True}, {"rank": "many"}]
)
def test_other_changes_of_the_state_s_structure_are_refused(change):
    p, v = parameter(5, 4, 3), parameter(4)
    optimizer = SketchyShampoo([("w", p), ("v", v)], rank=2)
    train(optimizer, 3, p, v)
    optimizer.param_groups[0].update(change)
    for act in (optimizer.state_dict, optimizer.step):
        with pytest.raises(ConfigError):
            act()


def test_momentum_that_is_switched_on_later_begins_at_zero():
    p = parameter(3, 5)
    options = {"graft": "sgd", "start_step": 100, "nesterov": False, "compatibility": PLAIN}
    optimizer = SketchyShampoo([p], lr=1.0, betas=(0.0, 0.999), **options)
    train(optimizer, 2, p)
    optimizer.param_groups[0]["betas"] = (0.9, 0.999)
    before = p.detach().clone()
    train(optimizer, 1, p, seed=3)
    torch.testing.assert_close(p.detach() - before, -0.1 * p.grad)


def test_a_function_as_rank_is_pickled_by_its_values():
    p = parameter(9, 6)
    optimizer = SketchyShampoo([p], rank=lambda d: d // 3)
    train(optimizer, 2, p)
    copied = pickle.loads(pickle.dumps(optimizer))
    assert copied.param_groups[0]["rank"] == copied.defaults["rank"] == {6: 2, 9: 3}
    train(copied, 2, copied.param_groups[0]["params"][0])
    with pytest.raises(ConfigError, match="no entry for the dimension 7"):
        copied.add_param_group({"params": [parameter(7, 6)]})
    optimizer.add_param_group({"params": [parameter(7, 6)]})


@pytest.mark.filterwarnings("ignore:torch.distributed is disabled")
def test_automatic_ranks_continue_from_a_checkpoint():
    a, b = parameter(12, 8), parameter(6, 5)
    options = {"rank": RankBudget(160, reallocate_at=(4,)), "update_freq": 2}
    first, second = SketchyShampoo([a, b], **options), SketchyShampoo([a, b], **options)
    train(first, 6, a, b)
    ranks = [row["rank"] for row in first.report()]
    second.load_state_dict(first.state_dict())
    assert [row["rank"] for row in second.report()] == ranks
    train(second, 1, a, b)
    assert [row["rank"] for row in second.report()] == ranks
