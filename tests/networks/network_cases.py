"""The networks that every test of all networks goes through.

Each kind as a variant uses it, but narrow, and with each value that it offers for a choice (norm, output, ...): a new
network needs no entry here. MORE holds what those lack.
"""

from __future__ import annotations

from math import prod
from typing import Any

import pytest
import torch
from parts_in_use import narrow, parts_in_use, variations
from torch import Tensor, nn

from ganpipe.networks import GeneratorNetwork, Network, Shape
from ganpipe.networks.critics.mlp import MLPCritic
from ganpipe.networks.generators.gradient_ascent import GradientAscentGenerator
from ganpipe.parts import part_class

GENERATORS, CRITICS, ENCODERS = (f"ganpipe.networks.{network}" for network in ("generators", "critics", "encoders"))
SIZES = (8, 16, 28, 32, 64)
NORMS = ("none", "batch", "layer")
# one of each sort, and what only networks without convolutions take
SHAPES: tuple[Shape, ...] = ((2,), (1, 8, 8), (3, 16, 16), (1, 28, 28), (5,), (3, 6, 10))
LATENT = 6

MLP = {"kind": "mlp", "width": 4, "depth": 1, "norm": "none"}
DCGAN = {"kind": "dcgan", "width": 4, "norm": "batch"}
RESNET = {"kind": "resnet", "width": 4, "norm": "none"}
PROGRESSIVE = {"kind": "progressive", "width": 4, "minibatch_stddev": True}
MORE: dict[str, list[dict[str, Any]]] = {
    GENERATORS: [
        {"kind": "ensemble", "num_members": 3, "base": DCGAN | {"norm": "layer"}},
        {"kind": "flow", "velocity": {"kind": "unet", "width": 4, "norm": "layer"}, "evaluations": 4},
        RESNET | {"attention": 0},
        RESNET | {"attention": 14},
    ],
    CRITICS: [
        {"kind": "ensemble", "num_members": 2, "base": DCGAN | {"output": "energy"}},
        {"kind": "ensemble", "num_members": 2, "base": PROGRESSIVE | {"output": "score"}},
        RESNET | {"attention": 0, "output": "score"},
        RESNET | {"attention": 7, "output": "energy"},
    ],
    ENCODERS: [],
}


def cases(package: str) -> list[Any]:
    found: list[Any] = []
    for part in parts_in_use(package).values():
        if part.kind != "none":
            fewer = {"components": 2} if "components" in type(part).model_fields else {}
            found += variations(narrow(part, **fewer))
    return found + [part_class(package, more["kind"]).model_validate(more) for more in MORE[package]]


def name_of(part: Network) -> str:
    values = part.model_dump()
    return "-".join(str(v) for v in [*values.values(), *values.get("base", {}).values()] if not isinstance(v, dict))


def fitting(part: Network) -> list[Shape]:
    """The shapes of SHAPES that it can work with."""
    shapes = [shape for shape in SHAPES if part.incompatibility(shape) is None]
    assert shapes, f"{name_of(part)} takes none of the shapes here: add one"
    return shapes


every_generator = pytest.mark.parametrize("part", cases(GENERATORS), ids=name_of)
every_critic = pytest.mark.parametrize("part", cases(CRITICS), ids=name_of)
every_encoder = pytest.mark.parametrize("part", cases(ENCODERS), ids=name_of)
every_network = pytest.mark.parametrize(
    "part", [part for package in (GENERATORS, CRITICS, ENCODERS) for part in cases(package)], ids=name_of
)


def build_generator(part: GeneratorNetwork, shape: Shape) -> tuple[nn.Module, int]:
    """A network and the size of its latents; one that only translates gets a fixed condition."""
    latent = next(n for n in (LATENT, prod(shape), prod(shape) + 1) if part.latent_incompatibility(n, shape) is None)
    if isinstance(part, GradientAscentGenerator):
        critic = MLPCritic.model_validate(MLP | {"output": "score", "first_layer_scale": 1.0, "bias_spread": 0.0})
        return part.build_sampler(critic.build(shape), shape, 1), latent
    if type(part).build is GeneratorNetwork.build:
        return Translator(part, latent, shape), latent
    return part.build(latent, shape), latent


class Translator(nn.Module):
    """The same condition, half as large as the image, for all latents."""

    def __init__(self, part: GeneratorNetwork, noise: int, shape: Shape) -> None:
        super().__init__()
        self.condition = randn(1, shape[0], shape[1] // 2, shape[2] // 2)
        self.net = part.build_translator(noise, self.condition.shape[1:], shape)

    def forward(self, z: Tensor) -> Any:
        return self.net(z, self.condition.expand(len(z), -1, -1, -1))


def build(part: Any, shape: Shape) -> tuple[nn.Module, Tensor]:
    """The network of a generator, critic or encoder, and an input for it."""
    if isinstance(part, GeneratorNetwork):
        net, latent = build_generator(part, shape)
        return net, randn(6, latent)
    encodes = type(part).__module__.startswith(ENCODERS)
    return (part.build(shape, 5) if encodes else part.build(shape)), randn(6, *shape)


def randn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def layers_of(net: nn.Module) -> list[Any]:
    return [m for m in net.modules() if isinstance(m, (nn.Linear, nn.Conv2d, nn.ConvTranspose2d))]


def norms_of(net: nn.Module) -> set[str]:
    """Which of NORMS stand in the network; empty where none does."""
    named = {"BatchNorm1d": "batch", "BatchNorm2d": "batch", "LayerNorm": "layer", "GroupNorm": "layer"}
    return {named[type(m).__name__] for m in net.modules() if type(m).__name__ in named}
