"""An encoder and a decoder trained together; the decoder is the row's generator."""

from __future__ import annotations

import copy
from abc import abstractmethod
from typing import ClassVar

import torch
from torch import Tensor, nn

from ganpipe.networks import EncoderNetwork, Shape
from ganpipe.training.average import update_average
from ganpipe.training.batches import Batches
from ganpipe.training.protocol import Figures, Training, attach
from ganpipe.training.streams import initialised_by, stream
from ganpipe.variant import Runtime, Variant


class Pair(nn.Module):
    """Encoder: samples (N, *shape) to codes (N, C). Decoder: latents (N, L) to samples."""

    def __init__(self, encoder: nn.Module, decoder: nn.Module) -> None:
        super().__init__()
        self.encoder, self.decoder = encoder, decoder


class Decoding(Training):
    """Both networks, their average and their one optimiser, the row's `generator_optimizer`.

    A subclass says what the loss is. width: numbers in a code for each number of the latent.
    """

    width = 1
    lasting: ClassVar[tuple[str, ...]] = ("pair", "average", "optimizer", "noise", "held_out_noise")

    def __init__(
        self, variant: Variant, shape: Shape, runtime: Runtime, seed: int, pretrained: dict[str, Tensor] | None
    ) -> None:
        super().__init__(variant, shape, runtime, seed, pretrained)
        encoder = getattr(variant.procedure, "encoder", None)
        assert isinstance(encoder, EncoderNetwork)
        with initialised_by(seed, "encoder"):
            coding = encoder.build(shape, self.width * variant.latent.size)
        with initialised_by(seed, "generator"):
            decoder = variant.generator.build(variant.latent.size, shape)
        with initialised_by(seed, "constraints"):
            attach(variant, {"generator": decoder})
        self.pair = Pair(coding, decoder).to(self.device)
        self.average = copy.deepcopy(self.pair).requires_grad_(False)
        self.optimizer = variant.generator_optimizer.build(self.pair.parameters())
        self.noise, self.held_out_noise = (stream(seed, name, self.device) for name in ("codes", "held-out codes"))

    @abstractmethod
    def losses(self, real: Tensor, rng: torch.Generator) -> Figures:
        """What the two minimise on samples (N, *shape), as `generator_loss`, and what else is worth recording.

        Each is of shape (). rng: for the loss's own random numbers, if it has any.
        """

    def step(self, batches: Batches) -> Figures:
        figures = self.losses(next(batches), self.noise)
        self.optimizer.zero_grad(set_to_none=True)
        figures["generator_loss"].backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        for constraint in self.variant.constraints:
            constraint.enforce(self.pair.decoder)
        update_average(self.average, self.pair, self.variant.ema)
        return {name: figure.detach() for name, figure in figures.items()}

    @torch.no_grad()
    def held_out(self, real: Tensor) -> Figures:
        self.pair.eval()
        figures = self.losses(real, self.held_out_noise)
        self.pair.train()
        return {"held_out_loss": figures["generator_loss"]}

    def generators(self) -> dict[str, nn.Module]:
        return {"raw": self.pair.decoder, "ema": self.average.decoder}
