"""What algorithms share that train an encoder with the variant's generator as its decoder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

from torch import nn

from ganpipe.algorithms import Algorithm, NetworkName
from ganpipe.algorithms._steps import attach_constraints
from ganpipe.networks import EncoderNetwork
from ganpipe.parts import Choice
from ganpipe.utils.rng import seeded_init

if TYPE_CHECKING:
    from ganpipe.config.variant import Runtime, Variant
    from ganpipe.networks import Shape


class EncoderDecoderAlgorithm(Algorithm):
    """There is no critic. Encoder and decoder are trained by the variant's `generator_optimizer`."""

    encoder: Annotated[EncoderNetwork, Choice("ganpipe.networks.encoders")]
    is_adversarial: ClassVar[bool] = False
    supports_pretraining: ClassVar[bool] = False
    trained_networks: ClassVar[frozenset[NetworkName]] = frozenset({"generator"})
    requires_normal_latent: ClassVar[bool] = True

    def incompatibility(self, shape: tuple[int, ...]) -> str | None:
        return self.encoder.incompatibility(shape)


class EncoderDecoder(nn.Module):
    """encoder: samples (N, *shape) to codes (N, C). decoder: latents (N, L) to samples."""

    def __init__(self, encoder: nn.Module, decoder: nn.Module) -> None:
        super().__init__()
        self.encoder, self.decoder = encoder, decoder


def build_encoder_decoder(
    encoder: EncoderNetwork, code: int, variant: Variant, shape: Shape, runtime: Runtime, seed: int
) -> EncoderDecoder:
    """Both networks on the runtime's device. code: C, the width of the encoder's output."""
    with seeded_init(seed, "encoder"):
        encoding = encoder.build(shape, code)
    with seeded_init(seed, "generator"):
        decoding = variant.generator.build(variant.latent.size, shape)
    with seeded_init(seed, "constraints"):
        attach_constraints(variant, {"generator": decoding})
    return EncoderDecoder(encoding, decoding).to(runtime.device)
