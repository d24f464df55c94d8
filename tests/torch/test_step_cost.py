"""What the hot path of the optimizers does: results of a plain reference, no reads back to the host, bounded calls and
memory, and batches that are made anew when what they rest on changes.
"""

from __future__ import annotations

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from benchmarks.optimizer_step import transient_bytes
from oco.torch import Shampoo, SketchyShampoo, SketchySOAP
from oco.torch.sketch import Sketch, apply_inverse_root, empty_sketch, update_sketch
from oco.torch.stacks import PIECE_ENTRIES

BOTH = pytest.mark.parametrize("optimizer_class", [SketchyShampoo, Shampoo])
# Two transformer blocks of width 16.
SHAPES = [(24, 16), (8, 16), *[(48, 16), (16, 16), (64, 16), (64,), (16, 64), (16,)] * 2, *[(16,)] * 10, (24, 16)]


def parameters(shapes, dtype=torch.float64):
    return [torch.nn.Parameter(torch.randn(shape, dtype=torch.float64).to(dtype)) for shape in shapes]


def give(params, twins=None):
    for index, p in enumerate(params):
        p.grad = torch.randn(p.shape, dtype=torch.float64).to(p.dtype)
        if twins is not None:
            twins[index].grad = p.grad.clone()


class Reference:
    """S-Shampoo of one matrix or vector as the formulas say it: no stacks, no lists, no pieces, no cache."""

    def __init__(self, param, lr, beta1, beta2, rank, freq, start, nesterov):
        self.param, self.lr, self.rank, self.freq, self.start = param, lr, rank, freq, start
        self.beta1, self.beta2, self.nesterov, self.t = beta1, beta2, nesterov, 0
        self.means = [torch.zeros(d, dtype=torch.float64) for d in param.shape]
        self.average = torch.zeros_like(param)
        self.sketches = [empty_sketch(d, min(d, rank), dtype=torch.float64) for d in param.shape]

    @torch.no_grad()
    def step(self):
        gradient, self.t = self.param.grad, self.t + 1
        matrix = gradient.ndim == 2
        if matrix and (self.t - 1) % self.freq == 0:
            decay = self.beta2**self.freq
            blocks = (gradient, gradient.T)
            self.sketches = [
                update_sketch(s, b, decay=decay, weight=1.0 - decay, method="subspace")
                for s, b in zip(self.sketches, blocks, strict=True)
            ]
        for axis, mean in enumerate(self.means):
            squares = gradient.square()
            fresh = squares.mean(1 - axis) if matrix else squares
            mean.mul_(self.beta2).add_(fresh, alpha=1.0 - self.beta2)
        second = self.means[0] / (1.0 - self.beta2**self.t)
        if matrix:
            second = torch.outer(second, self.means[1] / self.means[1].mean())
        step = gradient / (second.sqrt() + 1e-8)
        if matrix and self.t > self.start:
            left, right = self.sketches
            direction = apply_inverse_root(left, gradient, -0.25)
            direction = apply_inverse_root(right, direction.T, -0.25).T
            step = direction * (step.norm() / direction.norm())
        self.average.mul_(self.beta1).add_(step, alpha=1.0 - self.beta1)
        ahead, power = self.average, self.t
        if self.nesterov:
            ahead, power = self.beta1 * self.average + (1.0 - self.beta1) * step, self.t + 1
        self.param.sub_(ahead * (self.lr / (1.0 - self.beta1**power)))


@pytest.mark.parametrize("nesterov", [False, True])
@pytest.mark.parametrize("entries", [40, 1 << 17])
def test_stacks_pieces_and_caches_do_not_change_the_update(nesterov, entries, monkeypatch):
    monkeypatch.setitem(PIECE_ENTRIES, "cpu", entries)
    mine = parameters(SHAPES)
    theirs = [torch.nn.Parameter(p.detach().clone()) for p in mine]
    options = {"lr": 0.1, "betas": (0.8, 0.95), "rank": 5, "update_freq": 3, "start_step": 2, "nesterov": nesterov}
    optimizer = SketchyShampoo(mine, **options)
    plain = [Reference(p, 0.1, 0.8, 0.95, 5, 3, 2, nesterov) for p in theirs]
    for _ in range(9):
        give(mine, theirs)
        optimizer.step()
        for one in plain:
            one.step()
        for a, b in zip(mine, theirs, strict=True):
            torch.testing.assert_close(a, b, rtol=1e-7, atol=1e-9)


def agree(together, alone):
    for a, b in zip(together, alone, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-7 if a.dtype == torch.float64 else 1e-3, atol=1e-5)


@BOTH
def test_batches_follow_gradients_options_groups_and_precision(optimizer_class):
    """One optimizer of all parameters and one for each must agree whatever changes between two steps."""
    shapes = [(8, 6), (8, 6), (8, 6), (5,), (5,)]
    together = parameters(shapes)
    alone = [torch.nn.Parameter(p.detach().clone()) for p in together]
    options = {"lr": 0.1, "update_freq": 2, "start_step": 1}
    if optimizer_class is SketchyShampoo:
        options["rank"] = 3
    with pytest.warns(UserWarning, match="none of the"):
        one, many = optimizer_class(together, **options), [optimizer_class([p], **options) for p in alone]

    def steps(count, without=()):
        for _ in range(count):
            give(together, alone)
            for index in without:
                together[index].grad = alone[index].grad = None
            one.step()
            for optimizer in many:
                optimizer.step()
            agree(together, alone)

    def everywhere(name, value):
        for optimizer in (one, *many):
            optimizer.param_groups[0][name] = value

    steps(3)
    steps(2, without=[1, 3])  # their counts fall behind
    steps(3)
    everywhere("eps", 1e-2)  # coefficients that are kept between refreshes
    steps(2)
    everywhere("weight_decay", 0.1)
    everywhere("lr", 0.03)
    steps(2)
    if optimizer_class is SketchyShampoo:
        everywhere("rank", 2)
        steps(3)
    for optimizer in (one, *many):  # a state that is edited by hand between two refreshes
        for state in optimizer.state.values():
            for name in ("singular_values_0", "inverse_root_0"):
                if name in state:
                    state[name].mul_(torch.linspace(1.0, 0.3, state[name].shape[-1], dtype=state[name].dtype))
    steps(2)
    for params in (together, alone):  # the same parameters in another precision
        for p in params:
            p.grad = None
            p.data = p.data.float()
    steps(3)
    added = parameters([(8, 6)], torch.float32)
    copied = [torch.nn.Parameter(p.detach().clone()) for p in added]
    one.add_param_group({"params": added})
    many.append(optimizer_class(copied, **{**options, **{k: many[0].param_groups[0][k] for k in ("lr", "eps")}}))
    many[-1].param_groups[0]["weight_decay"] = 0.0
    one.param_groups[1].update({k: many[0].param_groups[0][k] for k in ("lr", "eps")})
    together += added
    alone += copied
    steps(3)
    one.load_state_dict(one.state_dict())
    steps(3)


class Calls(TorchDispatchMode):
    """Count calls of operators, and those that read a value back to the host."""

    def __init__(self):
        super().__init__()
        self.all = self.reads = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.all += 1
        self.reads += func in (torch.ops.aten._local_scalar_dense.default, torch.ops.aten.nonzero.default)
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("options", [{}, {"nesterov": True, "weight_decay": 0.1}, {"graft": "adam"}, {"graft": "none"}])
@BOTH
def test_a_plain_step_reads_nothing_back_and_makes_few_calls(optimizer_class, options):
    """25 parameters of 12 shapes. The calls of a step that works parameter by parameter would be some 40 for each."""
    params = parameters(SHAPES, torch.float32)
    optimizer = optimizer_class(params, start_step=0, **options)
    for _ in range(3):
        give(params)
        optimizer.step()
    give(params)
    with Calls() as calls:
        optimizer.step()
    assert calls.reads == 0
    assert 100 < calls.all < 700


MEMBERS = [
    {},
    {"tail": "orthogonal", "betas": (0.9, 0.95), "balance": "noise"},
    {"core": "inverse_root", "cross": "tail", "tail": "escaped_mass", "graft": "factored"},
    {"tail": "mean", "momentum": {"storage": "sketch"}, "betas": (0.9, 0.95), "unsketched": "factored"},
]


@pytest.mark.parametrize(
    ("optimizer_class", "options"),
    [(SketchyShampoo, {}), (SketchyShampoo, {"graft": "adam"}), (Shampoo, {})]
    + [(SketchySOAP, own) for own in MEMBERS],
)
def test_a_plain_step_needs_no_value_from_the_device_and_a_refresh_does(optimizer_class, options):
    """Tensors on the device ``meta`` have shapes but no values, so that whatever reads one raises."""
    shapes, options = [(8, 6), (8, 6), (5,), (4, 3, 2, 2)], {"start_step": 0, "update_freq": 4, **options}
    params = parameters(shapes, torch.float32)
    optimizer = optimizer_class(params, **options)
    for _ in range(2):
        give(params)
        optimizer.step()
    empty = [torch.nn.Parameter(torch.empty(shape, device="meta")) for shape in shapes]
    without_values = optimizer_class(empty, **options)
    without_values.load_state_dict(optimizer.state_dict())
    for p in empty:
        p.grad = torch.empty_like(p)
    for _ in range(2):
        without_values.step()
    with pytest.raises((RuntimeError, NotImplementedError), match="meta tensor"):
        without_values.step()


def test_the_number_of_calls_does_not_grow_with_the_number_of_equal_matrices():
    found = []
    for count in (2, 20):
        params = parameters([(8, 6)] * count, torch.float32)
        optimizer = SketchyShampoo(params, start_step=0)
        for _ in range(3):
            give(params)
            optimizer.step()
        give(params)
        with Calls() as calls:
            optimizer.step()
        found.append(calls.all)
    assert found[0] == found[1]


def test_a_plain_step_needs_little_memory_above_its_start():
    """Four matrices of 1024 x 1024: one at a time, so a copy of one, what is k wide, and pieces."""
    params = [torch.nn.Parameter(torch.zeros(1024, 1024)) for _ in range(4)]
    optimizer = SketchyShampoo(params, rank=16, start_step=0)
    for p in params:
        p.grad = torch.randn(1024, 1024)
    optimizer.step()
    copies = transient_bytes(optimizer.step) / (4 * 4 * 1024**2)
    assert 0.25 <= copies <= 0.5


def test_a_refresh_holds_what_one_large_matrix_needs_and_not_all_of_a_stack():
    """Eight matrices in one stack: its copy, and what the decomposition of one needs, some four of its size."""
    params = [torch.nn.Parameter(torch.zeros(256, 256)) for _ in range(8)]
    optimizer = SketchyShampoo(params, rank=64, start_step=0, update_freq=2)
    for p in params:
        p.grad = torch.randn(256, 256)
    for _ in range(2):
        optimizer.step()
    copies = transient_bytes(optimizer.step) / (4 * 8 * 256**2)
    assert 1.0 <= copies <= 1.6


def test_refreshes_with_and_without_unused_columns_are_one_method():
    """Where all columns are used, mixed ones are not computed; a batch with an unused column computes them."""
    torch.manual_seed(1)
    full, fresh = empty_sketch(30, 6, dtype=torch.float64), empty_sketch(30, 6, dtype=torch.float64)
    for _ in range(3):
        full = update_sketch(full, torch.randn(30, 40, dtype=torch.float64), decay=0.9, method="subspace")
    blocks = torch.randn(2, 30, 40, dtype=torch.float64)
    both = Sketch(*[torch.stack(pair) for pair in zip(full, fresh, strict=True)])
    both = update_sketch(both, blocks, decay=0.9, method="subspace")
    for index, sketch in enumerate((full, fresh)):
        alone = update_sketch(sketch, blocks[index], decay=0.9, method="subspace")
        torch.testing.assert_close(both.singular_values[index], alone.singular_values, rtol=1e-9, atol=0)
        torch.testing.assert_close(both.root_escaped[index], alone.root_escaped, rtol=1e-9, atol=0)
        assert abs((both.basis[index].T @ alone.basis).abs() - torch.eye(6, dtype=torch.float64)).max() < 1e-7


def test_a_block_in_a_unit_of_its_own_is_the_block():
    block, unit = torch.randn(3, 12, 9, dtype=torch.float64).clamp(-1, 1), torch.tensor([1e-6, 0.7, 3e5]).double()
    empty = Sketch(*[torch.stack([part] * 3) for part in empty_sketch(12, 4, dtype=torch.float64)])
    for method in ("gram64", "svd", "subspace"):
        one = update_sketch(empty, block, method=method, unit=unit)
        other = update_sketch(empty, block * unit[:, None, None], method=method)
        torch.testing.assert_close(one.singular_values, other.singular_values, rtol=1e-9, atol=0)
        torch.testing.assert_close(one.root_escaped, other.root_escaped, rtol=1e-7, atol=0)
