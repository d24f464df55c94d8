"""The networks and losses that optimizers are compared on, each small enough for one core."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from oco.errors import ConfigError
from regret_experiments.training.data import PRINTABLE, load_images, load_text

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


def make_task(name: str, data: str = "digits") -> Task:
    """Return the task ``aex``, ``mlp``, ``conv`` (on digits or MNIST), ``gpt`` or ``teacher``."""
    if name in ("aex", "mlp", "conv"):
        return {"aex": _autoencoder, "mlp": _classifier, "conv": _convolutional}[name](data)
    if name == "gpt":
        return _language_model()
    if name == "teacher":
        return _teacher()
    raise ConfigError(f"task must be one of aex, mlp, conv, gpt, teacher, got {name!r}")


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
    def batches(seed: int) -> Iterator[Batch]:
        generator = torch.Generator().manual_seed(seed)
        while True:
            order = torch.randperm(len(inputs), generator=generator)
            for start in range(0, len(order) - size + 1, size):
                rows = order[start : start + size]
                yield inputs[rows], targets[rows]

    return batches


def _autoencoder(data: str) -> Task:
    """Deep tanh autoencoder, code of 8 (digits) or 30 (MNIST); cross-entropy per image minus the data's entropy."""
    images = load_images(data)
    pixels, held_out = torch.from_numpy(images.train), torch.from_numpy(images.test)
    half = [64, 256, 128, 32, 8] if data == "digits" else [784, 512, 256, 128, 30]

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
        _shuffled(pixels, pixels, 128),
        [(subset, subset)],
        test,
        "loss",
    )


def _classification(name: str, data: str, model: Callable[[], nn.Module], flat: bool) -> Task:
    images = load_images(data)
    side = int(np.sqrt(images.train.shape[1]))

    def shaped(pixels: np.ndarray) -> Tensor:
        tensor = torch.from_numpy(pixels)
        return tensor if flat else tensor.view(-1, 1, side, side)

    inputs, labels = shaped(images.train), torch.from_numpy(images.train_labels)
    held_out, held_labels = shaped(images.test), torch.from_numpy(images.test_labels)

    def loss(net: nn.Module, batch: Batch) -> Tensor:
        return F.cross_entropy(net(batch[0]), batch[1])

    def accuracy(net: nn.Module) -> float:
        return float((net(held_out).argmax(1) == held_labels).float().mean())

    train_set = [(inputs[:4096], labels[:4096])]
    return Task(name, model, loss, _shuffled(inputs, labels, 128), train_set, accuracy, "accuracy")


def _classifier(data: str) -> Task:
    width = load_images(data).train.shape[1]
    return _classification("mlp", data, lambda: _xavier(_dense([width, 256, 256, 10], nn.ReLU)), flat=True)


def _convolutional(data: str) -> Task:
    side = int(np.sqrt(load_images(data).train.shape[1]))

    def model() -> nn.Module:
        layers = [nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 32, 3, stride=2, padding=1), nn.ReLU()]
        layers += [nn.Conv2d(32, 32, 3, stride=2, padding=1), nn.ReLU(), nn.Flatten()]
        return nn.Sequential(*layers, nn.Linear(32 * ((side + 3) // 4) ** 2, 10))

    return _classification("conv", data, model, flat=False)


class CharacterModel(nn.Module):
    """A two-layer causal transformer over characters: width 128, four heads, context 32.

    Weights start normal with standard deviation 0.02, as is customary. With PyTorch's own initialization (embeddings of
    standard deviation 1), Adam at its best learning rate is as good as Shampoo, so there is nothing to compare.
    """

    def __init__(self, vocabulary: int, width: int = 128, context: int = 32, layers: int = 2, heads: int = 4) -> None:
        super().__init__()
        self.token, self.position = nn.Embedding(vocabulary, width), nn.Embedding(context, width)
        self.heads = heads
        self.attention = nn.ModuleList(nn.Linear(width, 3 * width, bias=False) for _ in range(layers))
        self.joined = nn.ModuleList(nn.Linear(width, width, bias=False) for _ in range(layers))
        self.expand = nn.ModuleList(nn.Linear(width, 4 * width) for _ in range(layers))
        self.contract = nn.ModuleList(nn.Linear(4 * width, width) for _ in range(layers))
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(2 * layers + 1))
        self.head = nn.Linear(width, vocabulary, bias=False)
        for module in self.modules():
            if isinstance(module, (nn.Linear, nn.Embedding)):
                nn.init.normal_(module.weight, std=0.02)

    def forward(self, characters: Tensor) -> Tensor:
        """Return logits (batch, length, vocabulary) of the characters that follow."""
        batch, length = characters.shape
        x = self.token(characters) + self.position.weight[:length]
        for index, attention in enumerate(self.attention):
            parts = attention(self.norms[2 * index](x)).view(batch, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
            query, key, value = parts.unbind(0)
            mixed = (
                F.scaled_dot_product_attention(query, key, value, is_causal=True)
                .transpose(1, 2)
                .reshape(batch, length, -1)
            )
            x = x + self.joined[index](mixed)
            x = x + self.contract[index](F.gelu(self.expand[index](self.norms[2 * index + 1](x))))
        logits: Tensor = self.head(self.norms[-1](x))
        return logits


def _language_model(context: int = 32, size: int = 16) -> Task:
    codes = torch.from_numpy(load_text())
    split = int(0.9 * len(codes))

    def sample(text: Tensor, count: int, generator: torch.Generator) -> Batch:
        starts = torch.randint(len(text) - context - 1, (count, 1), generator=generator)
        rows = starts + torch.arange(context + 1)
        return text[rows[:, :-1]], text[rows[:, 1:]]

    def batches(seed: int) -> Iterator[Batch]:
        generator = torch.Generator().manual_seed(seed)
        while True:
            yield sample(codes[:split], size, generator)

    def loss(model: nn.Module, batch: Batch) -> Tensor:
        return F.cross_entropy(model(batch[0]).flatten(0, 1), batch[1].flatten())

    fixed = torch.Generator().manual_seed(12345)
    train_set = [sample(codes[:split], 256, fixed)]
    held_out = sample(codes[split:], 256, fixed)
    return Task(
        "gpt",
        lambda: CharacterModel(len(PRINTABLE)),
        loss,
        batches,
        train_set,
        lambda m: float(loss(m, held_out)),
        "loss",
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
