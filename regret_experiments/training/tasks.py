"""The networks and losses that optimizers are compared on, each small enough for one core."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from oco.errors import ConfigError
from regret_experiments.training.data import PRINTABLE, load_images, load_text
from regret_experiments.training.networks import CharacterModel, DerivativeNetwork, Derivatives, VisionTransformer
from regret_experiments.training.sizes import check_sizes

Batch = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class Task:
    """A network, its loss and its data; everything random comes from the seed given."""

    name: str
    model: Callable[[], nn.Module]  # called after torch.manual_seed
    loss: Callable[[nn.Module, Batch], Tensor]
    batches: Callable[[int], Iterator[Batch]]
    train_set: list[Batch]  # what the reported training loss is the mean over
    test: Callable[[nn.Module], float] | None = None
    test_name: str = ""
    rest: tuple[str, ...] = ()  # names of the modules that are an embedding or the last layer of a classifier


IMAGE_TASKS = ("aex", "mlp", "conv", "vit")
TASKS = (*IMAGE_TASKS, "gpt", "teacher", "burgers")


def make_task(name: str, data: str = "digits", **sizes: Any) -> Task:
    """Return the task of a name, those of `IMAGE_TASKS` on ``digits`` or ``mnist``.

    ``sizes`` are keywords of the task's function below, such as ``hidden`` or ``batch``.
    """
    if name not in TASKS:
        raise ConfigError(f"task must be one of {', '.join(TASKS)}, got {name!r}")
    functions: dict[str, Callable[..., Task]] = {
        "aex": _autoencoder,
        "mlp": _classifier,
        "conv": _convolutional,
        "vit": _vision_transformer,
        "gpt": _language_model,
        "teacher": _teacher,
        "burgers": _burgers,
    }
    check_sizes(name, data, sizes)
    return functions[name](data, **sizes) if name in IMAGE_TASKS else functions[name](**sizes)


def _xavier(model: nn.Module) -> nn.Module:
    for module in model.modules():
        if isinstance(module, nn.Linear):
            nn.init.xavier_uniform_(module.weight)
            nn.init.zeros_(module.bias)
    return model


def _dense(sizes: list[int], activation: type[nn.Module]) -> nn.Module:
    layers: list[nn.Module] = []
    for fan_in, fan_out in zip(sizes, sizes[1:], strict=False):
        layers += [nn.Linear(fan_in, fan_out), activation()]
    return nn.Sequential(*layers[:-1])


def _shuffled(inputs: Tensor, targets: Tensor, size: int) -> Callable[[int], Iterator[Batch]]:
    if size > len(inputs):
        raise ConfigError(f"batch must be at most {len(inputs)}, the number of examples, got {size}")

    def batches(seed: int) -> Iterator[Batch]:
        generator = torch.Generator().manual_seed(seed)
        while True:
            order = torch.randperm(len(inputs), generator=generator)
            for start in range(0, len(order) - size + 1, size):
                rows = order[start : start + size]
                yield inputs[rows], targets[rows]

    return batches


def _autoencoder(data: str, hidden: list[int] | None = None, batch: int = 128) -> Task:
    """Deep tanh autoencoder, code of 8 (digits) or 30 (MNIST); cross-entropy per image minus the data's entropy."""
    images = load_images(data)
    pixels, held_out = torch.from_numpy(images.train), torch.from_numpy(images.test)
    half = [pixels.shape[1], *(hidden or ([256, 128, 32, 8] if data == "digits" else [512, 256, 128, 30]))]

    def excess(model: nn.Module, batch: Batch) -> Tensor:
        inputs = batch[0]
        entropy = -(torch.xlogy(inputs, inputs) + torch.xlogy(1 - inputs, 1 - inputs)).sum() / len(inputs)
        return F.binary_cross_entropy_with_logits(model(inputs), inputs, reduction="sum") / len(inputs) - entropy

    def test(model: nn.Module) -> float:
        return float(excess(model, (held_out, held_out)))

    subset = pixels[:4096]
    sizes = half + half[-2::-1]
    return Task(
        "aex",
        lambda: _xavier(_dense(sizes, nn.Tanh)),
        excess,
        _shuffled(pixels, pixels, batch),
        [(subset, subset)],
        test,
        "loss",
    )


def _classification(
    name: str,
    data: str,
    model: Callable[[], nn.Module],
    flat: bool,
    rest: tuple[str, ...],
    batch: int = 128,
    evaluated: int = 4096,
    tested: int | None = None,
) -> Task:
    images = load_images(data)
    side = int(np.sqrt(images.train.shape[1]))

    def shaped(pixels: np.ndarray) -> Tensor:
        tensor = torch.from_numpy(pixels)
        return tensor if flat else tensor.view(-1, 1, side, side)

    inputs, labels = shaped(images.train), torch.from_numpy(images.train_labels)
    held_out, held_labels = shaped(images.test[:tested]), torch.from_numpy(images.test_labels[:tested])

    def loss(net: nn.Module, batch: Batch) -> Tensor:
        return F.cross_entropy(net(batch[0]), batch[1])

    def accuracy(net: nn.Module) -> float:
        return float((net(held_out).argmax(1) == held_labels).float().mean())

    train_set = [(inputs[:evaluated], labels[:evaluated])]
    return Task(name, model, loss, _shuffled(inputs, labels, batch), train_set, accuracy, "accuracy", rest)


def _classifier(data: str, hidden: Sequence[int] = (256, 256), **options: Any) -> Task:
    sizes = [load_images(data).train.shape[1], *hidden, 10]
    last = (str(2 * len(hidden)),)
    return _classification("mlp", data, lambda: _xavier(_dense(sizes, nn.ReLU)), True, last, **options)


def _convolutional(
    data: str, channels: Sequence[int] = (16, 32, 32), strides: Sequence[int] = (1, 2, 2), **options: Any
) -> Task:
    side = int(np.sqrt(load_images(data).train.shape[1]))
    for stride in strides:
        side = (side + stride - 1) // stride

    def model() -> nn.Module:
        layers: list[nn.Module] = []
        for before, after, stride in zip((1, *channels), channels, strides, strict=False):
            layers += [nn.Conv2d(before, after, 3, stride=stride, padding=1), nn.ReLU()]
        return nn.Sequential(*layers, nn.Flatten(), nn.Linear(channels[-1] * side**2, 10))

    return _classification("conv", data, model, False, (str(2 * len(channels) + 1),), **options)


def _vision_transformer(
    data: str, patch: int = 0, width: int = 128, layers: int = 2, expansion: int = 2, **options: Any
) -> Task:
    """Patches of 2 x 2 (digits) or 7 x 7 (MNIST): sixteen of each image."""
    side = int(np.sqrt(load_images(data).train.shape[1]))

    def model() -> nn.Module:
        return VisionTransformer(side, patch or side // 4, width, layers, expansion=expansion)

    return _classification("vit", data, model, False, ("position", "head"), **options)


def _language_model(
    context: int = 32, batch: int = 16, width: int = 128, layers: int = 2, evaluated: int = 256
) -> Task:
    codes = torch.from_numpy(load_text())
    split = int(0.9 * len(codes))
    if context > (longest := len(codes) - split - 2):
        raise ConfigError(f"context must be at most {longest}, for the text that is held out, got {context}")

    def sample(text: Tensor, count: int, generator: torch.Generator) -> Batch:
        starts = torch.randint(len(text) - context - 1, (count, 1), generator=generator)
        rows = starts + torch.arange(context + 1)
        return text[rows[:, :-1]], text[rows[:, 1:]]

    def batches(seed: int) -> Iterator[Batch]:
        generator = torch.Generator().manual_seed(seed)
        while True:
            yield sample(codes[:split], batch, generator)

    def loss(model: nn.Module, rows: Batch) -> Tensor:
        return F.cross_entropy(model(rows[0]).flatten(0, 1), rows[1].flatten())

    fixed = torch.Generator().manual_seed(12345)
    train_set = [sample(codes[:split], evaluated, fixed)]
    held_out = sample(codes[split:], 256, fixed)
    return Task(
        "gpt",
        lambda: CharacterModel(len(PRINTABLE), width, context, layers),
        loss,
        batches,
        train_set,
        lambda m: float(loss(m, held_out)),
        "loss",
        ("token", "position", "head"),
    )


def _teacher(dim: int = 96, hidden: int = 192) -> Task:
    """A tanh student of a fixed tanh teacher; inputs have covariance eigenvalues j^-1 behind a rotation."""
    generator = torch.Generator().manual_seed(7)
    rotation = torch.linalg.qr(torch.randn(dim, dim, generator=generator)).Q
    scales = torch.arange(1, dim + 1).float().rsqrt()
    inputs = (torch.randn(8192, dim, generator=generator) * scales) @ rotation.T
    first, second = torch.randn(dim, hidden, generator=generator), torch.randn(hidden, 8, generator=generator)
    targets = torch.tanh(inputs @ first / 2.0) @ second / hidden**0.5

    def loss(model: nn.Module, batch: Batch) -> Tensor:
        error: Tensor = model(batch[0]) - batch[1]
        return error.square().mean()

    batches = _shuffled(inputs[:6144], targets[:6144], 128)
    held_out = (inputs[6144:], targets[6144:])
    train_set = [(inputs[:4096], targets[:4096])]
    return Task(
        "teacher",
        lambda: _xavier(_dense([dim, hidden, hidden, 8], nn.Tanh)),
        loss,
        batches,
        train_set,
        lambda m: float(loss(m, held_out)),
        "loss",
    )


def _burgers(
    hidden: Sequence[int] = (128, 128, 128), batch: int = 256, viscosity: float = 0.01, evaluated: int = 2048
) -> Task:
    """Burgers' equation u_t + u u_x = viscosity u_xx for |x| <= 1 and t <= 1, u(x, 0) = -sin(pi x), u(+-1, t) = 0.

    The loss is the mean square of the equation's residual at random points plus that of the error at as many points of
    the initial and boundary values. The solution grows a steep front at x = 0.
    """

    def sample(count: int, generator: torch.Generator) -> Batch:
        drawn = torch.rand(2 * count, 2, generator=generator) * torch.tensor([2.0, 1.0]) - torch.tensor([1.0, 0.0])
        inside, start, sides = drawn[:count], drawn[count : 2 * count - count // 2], drawn[2 * count - count // 2 :]
        start[:, 1], sides[:, 0] = 0.0, sides[:, 0].sign()
        values = torch.cat([-torch.sin(torch.pi * start[:, 0]), torch.zeros(len(sides))])
        return torch.cat([inside, start, sides]), values

    def loss(model: nn.Module, drawn: Batch) -> Tensor:
        points, values = drawn
        inside = len(points) - len(values)
        found: Derivatives = model(points)
        residual = (found.u_t + found.u * found.u_x - viscosity * found.u_xx)[:inside]
        return residual.square().mean() + (found.u[inside:] - values).square().mean()

    def batches(seed: int) -> Iterator[Batch]:
        generator = torch.Generator().manual_seed(seed)
        while True:
            yield sample(batch, generator)

    fixed = torch.Generator().manual_seed(12345)
    train_set, held_out = [sample(evaluated, fixed)], sample(evaluated, fixed)
    last = (f"layers.{len(hidden)}",)
    return Task(
        "burgers",
        lambda: DerivativeNetwork(list(hidden)),
        loss,
        batches,
        train_set,
        lambda m: float(loss(m, held_out)),
        "loss",
        last,
    )
