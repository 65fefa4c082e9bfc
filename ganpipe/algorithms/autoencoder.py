"""An autoencoder (Hinton and Salakhutdinov 2006, Science 313) with a Gaussian over its codes; its decoder generates.

An autoencoder has no prior, so a Gaussian is fitted to the codes of the data afterwards (Ghosh et al. 2020, arXiv
1903.12436, "ex-post density estimation").
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import update_bn

from ganpipe.algorithms import Metrics, Trainer, Weights
from ganpipe.algorithms._encoder_decoder import EncoderDecoder, EncoderDecoderAlgorithm, build_encoder_decoder
from ganpipe.algorithms._one_loss import OneLossTrainer
from ganpipe.algorithms._steps import autocast
from ganpipe.batches import Batches

if TYPE_CHECKING:
    from ganpipe.config.variant import Runtime, Variant
    from ganpipe.networks import Shape


class Autoencoder(EncoderDecoderAlgorithm):
    """Minimises the squared error of the reconstruction. A code has `latent.size` numbers."""

    kind: Literal["autoencoder"]

    def trainer(
        self, variant: Variant, shape: Shape, runtime: Runtime, seed: int, pretrained: Weights | None
    ) -> Trainer:
        return AutoencoderTrainer(self, variant, shape, runtime, seed)

    def build_generator(self, variant: Variant, shape: Shape) -> nn.Module:
        return GaussianCodes(super().build_generator(variant, shape), variant.latent.size)


class GaussianCodes(nn.Module):
    """G(z) = decoder(mean + root z), latents (N, L) to samples; mean (L,) and root (L, L) are buffers.

    For z ~ N(0, I) the codes are N(mean, root root^T).
    """

    mean: Tensor
    root: Tensor

    def __init__(self, decoder: nn.Module, latent: int) -> None:
        super().__init__()
        self.decoder = decoder
        self.register_buffer("mean", torch.zeros(latent))
        self.register_buffer("root", torch.eye(latent))

    def forward(self, z: Tensor) -> Tensor:
        sample: Tensor = self.decoder(self.mean + z @ self.root)
        return sample

    def fit(self, codes: Tensor) -> None:
        """Take the mean and the unbiased covariance of codes (N, L), N > 1, computed in float64 on the CPU.

        The root is the symmetric one, which exists for a singular covariance too.
        """
        codes = codes.cpu().double()
        values, vectors = torch.linalg.eigh(codes.T.cov().reshape(2 * codes.shape[1:]))
        self.mean.copy_(codes.mean(0))
        self.root.copy_((vectors * values.clamp(min=0).sqrt()) @ vectors.T)


class AutoencoderTrainer(OneLossTrainer):
    """Encoder and decoder, their moving average and their one optimizer. The Gaussians are fitted before sampling."""

    net: EncoderDecoder
    ema: EncoderDecoder

    def __init__(self, algorithm: Autoencoder, variant: Variant, shape: Shape, runtime: Runtime, seed: int) -> None:
        net = build_encoder_decoder(algorithm.encoder, variant.latent.size, variant, shape, runtime, seed)
        super().__init__(variant, runtime, net)
        self.gaussian, self.gaussian_ema = (
            GaussianCodes(net.decoder, variant.latent.size).to(runtime.device) for net in (self.net, self.ema)
        )
        self.generators = {"raw": self.gaussian, "ema": self.gaussian_ema}

    @property
    def generator(self) -> nn.Module:
        return self.net.decoder

    def losses(self, real: Tensor, held_out: bool = False) -> Metrics:
        """generator_loss: the mean squared error of decoder(encoder(x)) over samples and features, in the networks'
        space squared."""
        with autocast(self.runtime):
            decoded: Tensor = self.net.decoder(self.net.encoder(real)).float()
        return {"generator_loss": (decoded - real).square().mean()}

    @torch.no_grad()
    def prepare_for_sampling(self, batches: Batches) -> None:
        """Fit the Gaussians to the codes of all training samples."""
        # the averaged weights need batch statistics of their own; a batch of one sample has no variance
        update_bn((x for x in batches.all_samples() if len(x) > 1), self.ema.encoder)
        for net, generator in ((self.net, self.gaussian), (self.ema, self.gaussian_ema)):
            net.eval()
            generator.fit(torch.cat([net.encoder(x) for x in batches.all_samples()]))
            net.train()
