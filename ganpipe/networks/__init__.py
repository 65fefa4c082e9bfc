"""Networks: generators and critics, chosen independently of each other. One file each."""

from __future__ import annotations

from typing import ClassVar, Literal

from torch import nn

from ganpipe.params import Part

Shape = tuple[int, ...]
Form = Literal["images", "points"]


def form_of(shape: Shape) -> Form:
    """(C, H, W) is an image, (D,) a point."""
    return "images" if len(shape) == 3 else "points"


class Network(Part):
    """forms: the kinds of samples that the network can make or judge."""

    forms: ClassVar[frozenset[Form]] = frozenset({"images", "points"})

    def unfit(self, shape: Shape) -> str | None:
        """Why the network makes no sense for samples of this shape; None where it does."""
        if form_of(shape) not in self.forms:
            return f"{self.kind} is a network for {' and '.join(sorted(self.forms))}, the data are {form_of(shape)}"
        return None


class GeneratorNetwork(Network):
    """Maps latents (N, L) to samples (N, *shape): images in [-1, 1], points in any range."""

    def build(self, latent: int, shape: Shape) -> nn.Module:
        """The module, with its weights drawn from torch's global random state."""
        raise NotImplementedError


class CriticNetwork(Network):
    """Maps samples (N, *shape) to a `Judgement`. Packing widens shape[0] before the network sees it.

    has_code: its judgement carries an encoder's code. It reconstructs its input, so it can be pre-trained alone.
    """

    has_code: ClassVar[bool] = False

    @property
    def emits(self) -> Literal["score", "energy"]:
        """What the judgement's score is: any real number, or an energy >= 0."""
        raise NotImplementedError

    @property
    def couples_samples(self) -> bool:
        """Whether a layer (batch norm) makes one sample's judgement depend on the others in the batch."""
        return False

    def build(self, shape: Shape) -> nn.Module:
        """The module, with its weights drawn from torch's global random state."""
        raise NotImplementedError
