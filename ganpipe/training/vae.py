"""Kingma and Welling 2014 (arXiv 1312.6114): the variational autoencoder."""

from __future__ import annotations

from math import log, pi

import torch
from torch import Tensor

from ganpipe.procedures.vae import VAE
from ganpipe.training.decoding import Decoding
from ganpipe.training.protocol import Figures


def gaussian_kl(mean: Tensor, log_variance: Tensor) -> Tensor:
    """KL(N(mean, diag variance) || N(0, I)) of each row, (N, L) to (N,), in nats: appendix B of the paper."""
    return 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(1)


def gaussian_nll(x: Tensor, mean: Tensor, deviation: float) -> Tensor:
    """-log N(x; mean, deviation^2 I) of each sample, (N,), in nats."""
    error = (x - mean).flatten(1)
    return 0.5 * (error / deviation).square().sum(1) + error.shape[1] * (log(deviation) + 0.5 * log(2 * pi))


class Game(Decoding):
    """Down -ELBO = E_q[-log p(x|z)] + KL(q(z|x) || N(0, I)), equation 10 with one z for each x, in nats per sample.

    The encoder says mean and log variance of q(z|x); z = mean + deviation * e carries the gradient to both (equation
    4). Generated samples are the decoder's means, without the noise of p(x|z).
    """

    width = 2

    def losses(self, real: Tensor, rng: torch.Generator) -> Figures:
        procedure = self.variant.procedure
        assert isinstance(procedure, VAE)
        with self._precision():
            code = self.pair.encoder(real).float()
        mean, log_variance = code.chunk(2, dim=1)
        noise = torch.randn(mean.shape, generator=rng, device=mean.device)
        with self._precision():
            decoded = self.pair.decoder(mean + (0.5 * log_variance).exp() * noise).float()
        nll, kl = gaussian_nll(real, decoded, procedure.deviation), gaussian_kl(mean, log_variance)
        # the squared error per feature, in the networks' space squared; the others in nats per sample
        return {
            "generator_loss": (nll + kl).mean(),
            "reconstruction": (decoded - real).square().mean(),
            "kl": kl.mean(),
        }
