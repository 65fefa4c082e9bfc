"""An autoencoder, and the Gaussian over its codes that makes a generator of its decoder."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ganpipe.networks import Shape
from ganpipe.training.batches import Batches
from ganpipe.training.decoding import Decoding
from ganpipe.training.protocol import Figures, Training
from ganpipe.training.sampling import standing_statistics
from ganpipe.variant import Runtime, Variant


class Coded(nn.Module):
    """G(z) = decoder(mean + root z), latents (N, L) to samples; mean (L,) and root (L, L) are buffers.

    For z ~ N(0, I) the codes are N(mean, root root^T).
    An autoencoder has no prior: nothing says which codes mean something, and the decoder has only seen those of the
    data. So their Gaussian is fitted afterwards (Ghosh et al. 2020, arXiv 1903.12436, "ex-post density estimation").
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
        """Take mean and covariance of codes (N, L), N > 1; its symmetric root exists where a code never changes, too.

        The covariance is the unbiased one, with N - 1, and computed in double precision on the CPU.
        """
        codes = codes.cpu().double()
        values, vectors = torch.linalg.eigh(codes.T.cov().reshape(2 * codes.shape[1:]))
        self.mean.copy_(codes.mean(0))
        self.root.copy_((vectors * values.clamp(min=0).sqrt()) @ vectors.T)


class Game(Decoding):
    """Down the mean squared error of decoder(encoder(x)), over samples and features, in the networks' space squared."""

    def __init__(
        self, variant: Variant, shape: Shape, runtime: Runtime, seed: int, pretrained: dict[str, Tensor] | None
    ) -> None:
        super().__init__(variant, shape, runtime, seed, pretrained)
        self.coded = {
            name: Coded(pair.decoder, variant.latent.size).to(self.device)
            for name, pair in (("raw", self.pair), ("ema", self.average))
        }

    def losses(self, real: Tensor, rng: torch.Generator) -> Figures:
        with self._precision():
            decoded = self.pair.decoder(self.pair.encoder(real)).float()
        return {"generator_loss": (decoded - real).square().mean()}

    @torch.no_grad()
    def settle(self, batches: Batches) -> None:
        # a lone last sample has no deviation for batch norm to divide by
        standing_statistics(self.average.encoder, (real for real in batches.everything() if len(real) > 1))
        for name, pair in (("raw", self.pair), ("ema", self.average)):
            pair.eval()
            self.coded[name].fit(torch.cat([pair.encoder(real) for real in batches.everything()]))
            pair.train()

    def generators(self) -> dict[str, nn.Module]:
        return dict(self.coded)

    @classmethod
    def build_generator(cls, variant: Variant, shape: Shape) -> nn.Module:
        return Coded(Training.build_generator(variant, shape), variant.latent.size)
