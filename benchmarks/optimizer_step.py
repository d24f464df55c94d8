"""What a step of S-Shampoo costs: time of one thread, operator calls, and memory above the start of the step.

    python -m benchmarks.optimizer_step                # all, about two minutes
    python -m benchmarks.optimizer_step transformer    # or matrices, memory

Contenders take turns, step by step. A time is the median CPU time of plain steps or of refreshes (steps at which the
preconditioner absorbs a gradient); ``average`` is nine plain steps and one refresh over ten. ``floor`` is what the
algebra alone takes on the same machine: the four thin products of a plain step and a factored graft with
momentum on preallocated memory. Memory is the highest sum of the allocations and releases of torch's CPU allocator
that ``torch.profiler`` records in one step.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from oco.torch import Shampoo, SketchyShampoo, SketchySOAP
from regret_experiments.training.tasks import make_task

FREQ = 10
Make = Callable[[list[Tensor]], torch.optim.Optimizer]


def sketchy(rank: int, method: str = "subspace", **options: Any) -> Make:
    """S-Shampoo that preconditions from the first step on."""
    return lambda params: SketchyShampoo(
        params, rank=rank, method=method, update_freq=FREQ, **{"start_step": 0, **options}
    )


def weights(shapes: Sequence[tuple[int, ...]]) -> list[Tensor]:
    """Parameters of these shapes with gradients that decay along the first axis, as those of networks do."""
    generator, params = torch.Generator().manual_seed(0), []
    for shape in shapes:
        param = torch.nn.Parameter(0.02 * torch.randn(shape, generator=generator))
        scales = torch.logspace(0, -2, shape[0]).view(-1, *[1] * (len(shape) - 1))
        param.grad = scales * torch.randn(shape, generator=generator)
        params.append(param)
    return params


def timed(
    makers: dict[str, Make], shapes: Sequence[tuple[int, ...]], steps: int
) -> dict[str, tuple[float, float, float]]:
    """Milliseconds of a plain step, of a refresh, and on average, for each; step 1 only warms up."""
    made = {name: make(weights(shapes)) for name, make in makers.items()}
    spent: dict[str, list[float]] = {name: [] for name in made}
    for _ in range(steps + 1):
        for name, optimizer in made.items():
            began = time.thread_time()
            optimizer.step()
            spent[name].append(1e3 * (time.thread_time() - began))
    found = {}
    for name, times in spent.items():
        plain = statistics.median(t for i, t in enumerate(times) if i % FREQ)
        refresh = statistics.median(times[FREQ::FREQ])
        found[name] = plain, refresh, ((FREQ - 1) * plain + refresh) / FREQ
    return found


class Floor:
    """The algebra of one plain step on one matrix, with nothing checked and nothing allocated."""

    def __init__(self, params: list[Tensor], rank: int = 64) -> None:
        self.param = params[0]
        rows, columns = self.param.shape
        self.left, self.right = (torch.linalg.qr(torch.randn(d, rank)).Q.contiguous() for d in (rows, columns))
        self.spare = torch.empty_like(self.param)
        self.direction, self.average = torch.empty_like(self.param), torch.zeros_like(self.param)
        self.means = torch.ones(rows), torch.ones(columns)
        self.inner = torch.empty(rank, columns), torch.empty(rows, rank)

    @torch.no_grad()
    def step(self) -> None:
        """Four products, a factored graft's length, a momentum."""
        gradient: Any = self.param.grad
        squares = torch.mul(gradient, gradient, out=self.spare)
        for axis, mean in enumerate(self.means):
            mean.lerp_(squares.mean(1 - axis), 0.001)
        torch.mul(self.means[0].sqrt()[:, None], self.means[1].sqrt()[None], out=self.spare).add_(1e-8)
        length = torch.div(gradient, self.spare, out=self.spare).norm()
        direction = torch.mul(gradient, 0.5, out=self.direction)
        direction.addmm_(self.left, torch.mm(self.left.T, gradient, out=self.inner[0]))
        torch.mm(direction, self.right, out=self.inner[1])
        direction.mul_(0.5).addmm_(self.inner[1], self.right.T)
        direction.mul_(length / direction.norm())
        self.average.lerp_(direction, 0.1)
        self.param.sub_(self.average, alpha=1e-3)


class OperatorCalls(TorchDispatchMode):
    """Count what reaches the dispatcher from Python, and what it reads back to the host."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = self.reads = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.calls += 1
        self.reads += func is torch.ops.aten._local_scalar_dense.default
        return func(*args, **(kwargs or {}))


def transient_bytes(step: Callable[[], Any]) -> int:
    """Highest number of bytes allocated above the start of ``step``."""
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True) as profile:
        step()
    held = peak = 0
    found = [e for e in profile.profiler.kineto_results.events() if e.name() == "[memory]"]
    for event in sorted(found, key=lambda e: e.start_ns()):
        held += event.nbytes()
        peak = max(peak, held)
    return peak


def line(name: str, values: Sequence[float], unit: str = "ms") -> None:
    print(f"{name:36s} " + " ".join(f"{value:9.3f}" for value in values) + f"  {unit}", flush=True)


def transformer(steps: int = 300) -> None:
    """The character model (25 parameters) at two ranks, plain step and refresh, against AdamW."""
    shapes = [tuple(p.shape) for p in make_task("gpt").model().parameters()]
    small = [tuple(d // 2 if d > 96 else d for d in shape) for shape in shapes]
    for label, own in (("424 k", shapes), ("half as wide", small)):
        makers: dict[str, Make] = {"AdamW": torch.optim.AdamW}
        makers |= {f"k = {k}": sketchy(k) for k in (16, 64)}
        makers |= {"k = 16, graft only": sketchy(16, start_step=10**6), "Shampoo": lambda p: Shampoo(p, start_step=0)}
        makers["SketchySOAP, k = 16"] = lambda p: SketchySOAP(p, rank=16, update_freq=FREQ)
        if own is small:
            del makers["Shampoo"]
        print(f"\ncharacter model, {label}: plain, refresh, average; plain / AdamW's")
        times = timed(makers, own, steps)
        for name, found in times.items():
            line(name, [*found, found[0] / times["AdamW"][0]])
    for name in ("AdamW", "k = 16", "SketchySOAP, k = 16"):
        optimizer: Any = makers[name](weights(shapes))
        optimizer.step()
        optimizer.step()
        with OperatorCalls() as counted:
            optimizer.step()
        with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profile:
            optimizer.step()
        inner = sum(e.count for e in profile.key_averages() if e.key.startswith("aten::"))
        print(f"{name}: {counted.calls} calls from Python ({counted.reads} reads), {inner} with those that they make")


def matrices() -> None:
    """One square matrix, k = 64, by method; the floor and AdamW beside it."""
    for width, steps in ((256, 200), (1024, 50), (2048, 20)):
        methods = ("subspace", "gram64", "svd") if width < 2048 else ("subspace", "gram64")
        print(f"\n{width} x {width}, k = 64: plain, refresh, average; average / floor")
        makers: dict[str, Make] = {"floor of a plain step": Floor, "AdamW": torch.optim.AdamW}  # type: ignore[dict-item]
        makers["subspace"] = sketchy(64)
        times = timed(makers, [(width, width)], steps)
        slow = {method: sketchy(64, method) for method in methods[1:]}
        times |= timed(slow, [(width, width)], FREQ if width > 256 else 30)
        for name, found in times.items():
            line(name, [*found, found[2] / times["floor of a plain step"][0]])


def memory() -> None:
    """Transient peaks in copies of the parameters, with four matrices of 1024 x 1024, and with the character model."""
    shapes = {"four 1024 x 1024": [(1024, 1024)] * 4, "one 2048 x 2048": [(2048, 2048)]}
    shapes["character model"] = [tuple(p.shape) for p in make_task("gpt").model().parameters()]
    makers: dict[str, Make] = {"AdamW": torch.optim.AdamW, "subspace k = 64": sketchy(64)}
    makers |= {"gram64 k = 64": sketchy(64, "gram64")}
    makers["SketchySOAP, k = 16"] = lambda p: SketchySOAP(p, rank=16, update_freq=FREQ)
    print("\nmemory above the start of a step, in copies of the parameters: plain, refresh")
    for label, own in shapes.items():
        size = 4 * sum(torch.Size(shape).numel() for shape in own)
        for name, make in makers.items():
            if name.startswith("gram64") and "2048" in label:
                continue
            optimizer = make(weights(own))
            peaks = [transient_bytes(optimizer.step) / size for _ in range(FREQ + 1)]
            line(f"{label}, {name}", [statistics.median(peaks[1:FREQ]), peaks[FREQ]], "copies")


PARTS = {"transformer": transformer, "matrices": matrices, "memory": memory}


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.optimizer_step", description=__doc__.partition("\n")[0])
    parser.add_argument("wanted", nargs="*", metavar="PART", help=f"{', '.join(PARTS)}; all by default")
    wanted = parser.parse_args(arguments).wanted or list(PARTS)
    if unknown := sorted(set(wanted) - set(PARTS)):
        parser.error(f"unknown parts {', '.join(unknown)}; there are {', '.join(PARTS)}")
    torch.set_num_threads(1)
    torch.manual_seed(0)
    for name in wanted:
        PARTS[name]()
    print(f"\ntorch {torch.__version__}, one thread, CPU time")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
