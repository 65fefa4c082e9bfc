"""A small autoencoder and a VAE on the digits, by the losses of the project's algorithms."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from ganpipe.algorithms._encoder_decoder import EncoderDecoder
from ganpipe.algorithms._steps import optimizer_step
from ganpipe.algorithms.vae import gaussian_kl, gaussian_nll
from ganpipe.lecture.probes._digits import SHAPE
from ganpipe.lecture.probes._training import adam, draw
from ganpipe.networks.encoders.mlp import MLPEncoder
from ganpipe.networks.generators.mlp import MLPGenerator
from ganpipe.utils.rng import make_rng, seeded_init

CODE, STEPS, DECODER_STD = 8, 1000, 0.3
ENCODER = MLPEncoder(kind="mlp", width=128, depth=2, norm="none")
DECODER = MLPGenerator(kind="mlp", width=128, depth=2, norm="none")


def train(kind: Literal["autoencoder", "vae"], real: Tensor, seed: int) -> EncoderDecoder:
    """Codes have 8 numbers; the VAE's encoder gives their means and log variances."""
    with seeded_init(seed, "encoder"):
        encoder = ENCODER.build(SHAPE, CODE if kind == "autoencoder" else 2 * CODE)
    with seeded_init(seed, "generator"):
        net = EncoderDecoder(encoder, DECODER.build(CODE, SHAPE))
    optimizer, rng = adam(net.parameters(), 1e-3, (0.9, 0.999)), make_rng(seed, "probe", "cpu")
    for _ in range(STEPS):
        x = draw(real, 128, rng)
        if kind == "autoencoder":
            loss = (net.decoder(net.encoder(x)) - x).square().mean()
        else:
            mean, log_variance = net.encoder(x).chunk(2, dim=1)
            z = mean + (0.5 * log_variance).exp() * torch.randn(mean.shape, generator=rng)
            loss = (gaussian_nll(x, net.decoder(z), DECODER_STD) + gaussian_kl(mean, log_variance)).mean()
        optimizer_step(optimizer, loss)
    return net


@torch.no_grad()
def codes(net: EncoderDecoder, images: Tensor) -> Tensor:
    """The codes of images, the means of a VAE's: (N, 8)."""
    found: Tensor = net.encoder(images)[:, :CODE]
    return found
