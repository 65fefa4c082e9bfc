"""The networks that every test of all networks goes through: at least one case for each kind, each choice it offers."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ganpipe.networks import CriticNetwork, EncoderNetwork, GeneratorNetwork, Shape
from ganpipe.networks.generators.gradient_ascent import GradientAscentGenerator
from ganpipe.params import Part, part_class

GENERATORS, CRITICS, ENCODERS = (f"ganpipe.networks.{player}" for player in ("generators", "critics", "encoders"))
SIZES = (8, 16, 28, 32, 64)
NORMS = ("none", "batch", "layer")
IMAGES: tuple[Shape, ...] = tuple((channels, size, size) for channels in (1, 3) for size in SIZES)
POINTS: tuple[Shape, ...] = ((2,),)
ALL = IMAGES + POINTS
FEW = ((1, 8, 8), (3, 16, 16), *POINTS)


def at(*sizes: int) -> tuple[Shape, ...]:
    return tuple(shape for shape in IMAGES if shape[1] in sizes)


@dataclass(frozen=True)
class Case:
    """parameters: all of the part's. fits: those of ALL that it can work with. most: so many features are tested."""

    package: str
    parameters: dict[str, Any]
    fits: tuple[Shape, ...]
    most: int = 64 * 64 * 3

    @property
    def kind(self) -> str:
        return str(self.parameters["kind"])

    @property
    def norm(self) -> str:
        """`none` where the kind knows no other."""
        return str(self.parameters.get("base", self.parameters).get("norm", "none"))

    @property
    def shapes(self) -> list[Shape]:
        return [shape for shape in self.fits if prod(shape) <= self.most]

    @property
    def few(self) -> list[Shape]:
        """One of each sort, for what does not depend on the size."""
        return [shape for shape in self.fits if shape in FEW]

    def part(self) -> Any:
        return part_class(self.package, self.kind).model_validate(self.parameters)

    def generator(self) -> GeneratorNetwork:
        part = self.part()
        assert isinstance(part, GeneratorNetwork)
        return part

    def critic(self) -> CriticNetwork:
        part = self.part()
        assert isinstance(part, CriticNetwork)
        return part

    def encoder(self) -> EncoderNetwork:
        part = self.part()
        assert isinstance(part, EncoderNetwork)
        return part

    def __str__(self) -> str:
        member = self.parameters.get("base", {})
        return "-".join(str(v) for v in [*self.parameters.values(), *member.values()] if not isinstance(v, dict))


def generator(kind: str, fits: tuple[Shape, ...], most: int = 64 * 64 * 3, **parameters: Any) -> Case:
    return Case(GENERATORS, {"kind": kind, **parameters}, fits, most)


def critic(kind: str, fits: tuple[Shape, ...], output: str | None = "score", **parameters: Any) -> Case:
    return Case(CRITICS, {"kind": kind, **parameters, **({"output": output} if output else {})}, fits)


def encoder(kind: str, fits: tuple[Shape, ...], **parameters: Any) -> Case:
    return Case(ENCODERS, {"kind": kind, **parameters}, fits)


def member(kind: str, **parameters: Any) -> dict[str, Any]:
    return {"kind": kind, "width": 4, **parameters}


# one covariance of a mixture has the square of so many numbers: too many for its own limit, too many for these tests
SMALLER = tuple(shape for shape in ALL if shape != (3, 64, 64))
MIXTURE = 28 * 28

GENERATOR_CASES = [
    generator("affine", POINTS),
    generator("gradient_ascent", ALL, steps=3, rate=0.5),
    *(generator("dcgan", IMAGES, width=4, norm=norm) for norm in NORMS),
    generator("ensemble", ALL, num_members=2, base=member("mlp", depth=1, norm="none")),
    generator("ensemble", IMAGES, num_members=3, base=member("dcgan", norm="layer")),
    *(generator("gmm", ALL, MIXTURE, components=2, covariance=of) for of in ("diag", "spherical")),
    *(generator("gmm", SMALLER, MIXTURE, components=2, covariance=of) for of in ("full", "tied")),
    *(generator("mlp", ALL, width=8, depth=2, norm=norm) for norm in NORMS),
    generator("progressive", IMAGES, width=4),
    *(generator("resnet", IMAGES, width=4, norm=norm, attention=0) for norm in NORMS),
    generator("resnet", at(8, 16, 32, 64), width=4, norm="none", attention=8),
    generator("resnet", at(28), width=4, norm="none", attention=14),
    *(generator("unet", IMAGES, width=4, norm=norm) for norm in NORMS),
]

CRITIC_CASES = [
    *(critic("autoencoder", IMAGES, None, layers="convolutions", width=4, norm=norm, code=5) for norm in NORMS),
    *(critic("autoencoder", ALL, None, layers="dense", width=8, norm=norm, code=5) for norm in NORMS),
    *(critic("dcgan", IMAGES, width=4, norm=norm) for norm in NORMS),
    critic("dcgan", IMAGES, "energy", width=4, norm="none"),
    critic("ensemble", ALL, None, num_members=3, base=member("mlp", depth=1, norm="none", output="score")),
    critic("ensemble", IMAGES, None, num_members=2, base=member("dcgan", norm="batch", output="energy")),
    critic("ensemble", IMAGES, None, num_members=2, base=member("resnet", norm="layer", attention=0, output="score")),
    critic("ensemble", IMAGES, None, num_members=2, base=member("progressive", minibatch_stddev=True, output="score")),
    *(critic("mlp", ALL, width=8, depth=2, norm=norm) for norm in NORMS),
    critic("mlp", ALL, "energy", width=8, depth=2, norm="none"),
    critic("progressive", IMAGES, width=4, minibatch_stddev=True),
    critic("progressive", IMAGES, "energy", width=4, minibatch_stddev=False),
    *(critic("resnet", IMAGES, width=4, norm=norm, attention=0) for norm in NORMS),
    critic("resnet", IMAGES, "energy", width=4, norm="none", attention=0),
    critic("resnet", at(16, 32, 64), width=4, norm="none", attention=8),
    critic("resnet", at(28), width=4, norm="none", attention=7),
]
NO_CASE = {"none": "it says that there is no critic, so there is nothing to build"}

ENCODER_CASES = [
    *(encoder("dcgan", IMAGES, width=4, norm=norm) for norm in NORMS),
    *(encoder("mlp", ALL, width=8, depth=2, norm=norm) for norm in NORMS),
]

every_generator = pytest.mark.parametrize("case", GENERATOR_CASES, ids=str)
every_critic = pytest.mark.parametrize("case", CRITIC_CASES, ids=str)
every_encoder = pytest.mark.parametrize("case", ENCODER_CASES, ids=str)


def build_generator(part: GeneratorNetwork, shape: Shape) -> tuple[nn.Module, int]:
    """A network and the size of its latents; a climber climbs a small critic, a U-Net translates one picture."""
    latent = {"gradient_ascent": prod(shape), "gmm": prod(shape) + 1}.get(part.kind, 6)
    assert part.latent_incompatibility(latent, shape) is None
    if isinstance(part, GradientAscentGenerator):
        return part.around(critic("mlp", ALL, width=8, depth=2, norm="none").critic().build(shape), shape, 1), latent
    if part.kind == "unet":
        return Translator(part, latent, shape), latent
    return part.build(latent, shape), latent


class Translator(nn.Module):
    """A translator with the same condition for all latents, half as large as the image."""

    def __init__(self, part: GeneratorNetwork, noise: int, shape: Shape) -> None:
        super().__init__()
        self.condition = randn(1, shape[0], shape[1] // 2, shape[2] // 2)
        self.net = part.build_translator(noise, self.condition.shape[1:], shape)

    def forward(self, z: Tensor) -> Any:
        return self.net(z, self.condition.expand(len(z), -1, -1, -1))


def innermost(part: Part) -> Part:
    """The network whose layers are built: a member of an ensemble, else the part itself."""
    return getattr(part, "base", part)


def randn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def layers_of(net: nn.Module) -> list[Any]:
    return [m for m in net.modules() if isinstance(m, (nn.Linear, nn.Conv2d, nn.ConvTranspose2d))]


def norms_of(net: nn.Module) -> set[str]:
    """Which of NORMS stand in the network; empty where none does."""
    named = {"BatchNorm1d": "batch", "BatchNorm2d": "batch", "LayerNorm": "layer", "GroupNorm": "layer"}
    return {named[type(m).__name__] for m in net.modules() if type(m).__name__ in named}
