"""The variational autoencoder (Kingma and Welling 2014, arXiv 1312.6114); its decoder is the generator."""

from __future__ import annotations

from math import log, pi
from typing import TYPE_CHECKING, ClassVar, Literal

import torch
from torch import Tensor, nn

from ganpipe.algorithms import Metrics, Trainer, Weights
from ganpipe.algorithms._encoder_decoder import EncoderDecoder, EncoderDecoderAlgorithm, build_encoder_decoder
from ganpipe.algorithms._one_loss import OneLossTrainer
from ganpipe.algorithms._steps import autocast
from ganpipe.parts import Positive
from ganpipe.utils.rng import make_rng

if TYPE_CHECKING:
    from ganpipe.config.variant import Runtime, Variant
    from ganpipe.networks import Shape


class VAE(EncoderDecoderAlgorithm):
    """decoder_std: sigma of p(x|z) = N(G(z), sigma^2 I), per feature in the networks' space (images in [-1, 1], points
    divided by their scale). A larger one weighs the prior more, as a beta of beta-VAE proportional to sigma^2 does.
    """

    kind: Literal["vae"]
    decoder_std: Positive

    def trainer(
        self, variant: Variant, shape: Shape, runtime: Runtime, seed: int, pretrained: Weights | None
    ) -> Trainer:
        return VAETrainer(self, variant, shape, runtime, seed)


class VAETrainer(OneLossTrainer):
    """Minimises -ELBO = E_q[-log p(x|z)] + KL(q(z|x) || N(0, I)), equation 10 with one z for each x.

    The encoder gives mean and log variance of q(z|x); z = mean + std * noise carries the gradient to both (equation
    4). Generated samples are the decoder's means, without the noise of p(x|z).
    """

    state_attrs: ClassVar[tuple[str, ...]] = (*OneLossTrainer.state_attrs, "code_rng", "held_out_rng")
    net: EncoderDecoder
    ema: EncoderDecoder

    def __init__(self, algorithm: VAE, variant: Variant, shape: Shape, runtime: Runtime, seed: int) -> None:
        self.algorithm = algorithm
        net = build_encoder_decoder(algorithm.encoder, 2 * variant.latent.size, variant, shape, runtime, seed)
        super().__init__(variant, runtime, net)
        self.code_rng, self.held_out_rng = (make_rng(seed, p, runtime.device) for p in ("codes", "held-out codes"))
        self.generators = {"raw": self.net.decoder, "ema": self.ema.decoder}

    @property
    def generator(self) -> nn.Module:
        return self.net.decoder

    def losses(self, real: Tensor, held_out: bool = False) -> Metrics:
        """generator_loss: -ELBO in nats per sample, of samples (N, *shape). kl: its second term.

        reconstruction: the squared error per feature, in the networks' space squared.
        """
        with autocast(self.runtime):
            code = self.net.encoder(real).float()
        mean, log_variance = code.chunk(2, dim=1)
        rng = self.held_out_rng if held_out else self.code_rng
        noise = torch.randn(mean.shape, generator=rng, device=mean.device)
        with autocast(self.runtime):
            decoded = self.net.decoder(mean + (0.5 * log_variance).exp() * noise).float()
        nll, kl = gaussian_nll(real, decoded, self.algorithm.decoder_std), gaussian_kl(mean, log_variance)
        error = (decoded - real).square().mean()
        return {"generator_loss": (nll + kl).mean(), "reconstruction": error, "kl": kl.mean()}


def gaussian_kl(mean: Tensor, log_variance: Tensor) -> Tensor:
    """KL(N(mean, diag variance) || N(0, I)) of each row, (N, L) to (N,), in nats: appendix B of the paper."""
    return 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(1)


def gaussian_nll(x: Tensor, mean: Tensor, std: float) -> Tensor:
    """-log N(x; mean, std^2 I) of each sample (N, *shape), (N,), in nats."""
    error = (x - mean).flatten(1)
    return 0.5 * (error / std).square().sum(1) + error.shape[1] * (log(std) + 0.5 * log(2 * pi))
