"""The networks of the tasks that are more than a chain of layers: two transformers, and one with derivatives."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class TransformerBlocks(nn.Module):
    """Blocks of attention and a network of two layers, both behind a layer norm and added to their input."""

    def __init__(self, width: int, layers: int, heads: int, expansion: int, causal: bool) -> None:
        super().__init__()
        self.heads, self.causal = heads, causal
        self.attention = nn.ModuleList(nn.Linear(width, 3 * width, bias=False) for _ in range(layers))
        self.joined = nn.ModuleList(nn.Linear(width, width, bias=False) for _ in range(layers))
        self.expand = nn.ModuleList(nn.Linear(width, expansion * width) for _ in range(layers))
        self.contract = nn.ModuleList(nn.Linear(expansion * width, width) for _ in range(layers))
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(2 * layers + 1))

    def forward(self, x: Tensor) -> Tensor:
        """Return (batch, length, width), normalized."""
        batch, length, _ = x.shape
        for index, attention in enumerate(self.attention):
            parts = attention(self.norms[2 * index](x)).view(batch, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
            query, key, value = parts.unbind(0)
            mixed = F.scaled_dot_product_attention(query, key, value, is_causal=self.causal)
            x = x + self.joined[index](mixed.transpose(1, 2).reshape(batch, length, -1))
            x = x + self.contract[index](F.gelu(self.expand[index](self.norms[2 * index + 1](x))))
        normalized: Tensor = self.norms[-1](x)
        return normalized


class CharacterModel(nn.Module):
    """A causal transformer over characters: by default two layers of width 128, four heads, context 32.

    Weights start normal with standard deviation 0.02, as is customary. With PyTorch's own initialization (embeddings of
    standard deviation 1), Adam at its best learning rate is as good as Shampoo, so there is nothing to compare.
    """

    def __init__(self, vocabulary: int, width: int = 128, context: int = 32, layers: int = 2, heads: int = 4) -> None:
        super().__init__()
        self.token, self.position = nn.Embedding(vocabulary, width), nn.Embedding(context, width)
        self.blocks = TransformerBlocks(width, layers, heads, expansion=4, causal=True)
        self.head = nn.Linear(width, vocabulary, bias=False)
        for module in self.modules():
            if isinstance(module, (nn.Linear, nn.Embedding)):
                nn.init.normal_(module.weight, std=0.02)

    def forward(self, characters: Tensor) -> Tensor:
        """Return logits (batch, length, vocabulary) of the characters that follow."""
        x = self.token(characters) + self.position.weight[: characters.shape[1]]
        logits: Tensor = self.head(self.blocks(x))
        return logits


class VisionTransformer(nn.Module):
    """A transformer over the square patches of an image; the mean over the patches is classified."""

    def __init__(
        self, side: int, patch: int, width: int = 128, layers: int = 2, heads: int = 4, expansion: int = 2
    ) -> None:
        super().__init__()
        self.patch = patch
        self.embed, self.position = nn.Linear(patch * patch, width), nn.Embedding((side // patch) ** 2, width)
        self.blocks = TransformerBlocks(width, layers, heads, expansion, causal=False)
        self.head = nn.Linear(width, 10)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
        nn.init.normal_(self.position.weight, std=0.02)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (batch, 10) of images (batch, 1, side, side)."""
        patches = F.unfold(images, self.patch, stride=self.patch).transpose(1, 2)
        logits: Tensor = self.head(self.blocks(self.embed(patches) + self.position.weight).mean(1))
        return logits


class Derivatives(NamedTuple):
    """A function u of (x, t) at some points, with the derivatives that Burgers' equation has."""

    u: Tensor
    u_x: Tensor
    u_t: Tensor
    u_xx: Tensor


class DerivativeNetwork(nn.Module):
    """A tanh network u(x, t) that carries u_x, u_t and u_xx forward through its layers, so no graph of graphs is built.

    Through z -> tanh z = y the chain rule gives y_x = (1 - y^2) z_x and y_xx = (1 - y^2) (z_xx - 2 y z_x^2).
    """

    def __init__(self, hidden: list[int]) -> None:
        super().__init__()
        sizes = [2, *hidden, 1]
        layers = [nn.Linear(a, b) for a, b in zip(sizes, sizes[1:], strict=False)]
        for layer in layers:
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)
        self.layers = nn.ModuleList(layers)

    def forward(self, points: Tensor) -> Derivatives:
        """Return u and its derivatives at points (n, 2), each of shape (n,)."""
        along_x = torch.zeros_like(points)
        along_x[:, 0] = 1.0
        carried = torch.stack([points, along_x, 1.0 - along_x, torch.zeros_like(points)])
        layers: list[Any] = list(self.layers)
        for layer in layers[:-1]:
            z = carried @ layer.weight.T
            y = torch.tanh(z[0] + layer.bias)
            slope = 1.0 - y.square()
            carried = torch.stack([y, slope * z[1], slope * z[2], slope * (z[3] - 2.0 * y * z[1].square())])
        u, u_x, u_t, u_xx = (carried @ layers[-1].weight.T)[..., 0]
        return Derivatives(u + layers[-1].bias, u_x, u_t, u_xx)
