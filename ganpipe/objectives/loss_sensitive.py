"""Loss-Sensitive GAN: Qi 2017 (arXiv 1701.06264)."""

from __future__ import annotations

from typing import ClassVar, Literal

from torch import Tensor
from torch.nn.functional import relu

from ganpipe.game import Round
from ganpipe.objectives import Objective
from ganpipe.params import NonNegative, Positive


class LossSensitive(Objective):
    """r and f are losses L >= 0, which differ by a margin that grows with the distance d(x, G(z)).

    d is the mean absolute difference of each real and its fake, paired by index: the mean, not the paper's sum over
    pixels, so that one margin serves every image size. margin: the paper's lambda. gamma: the weight of r itself.
    """

    kind: Literal["loss_sensitive"]
    margin: Positive
    gamma: NonNegative
    output_type: ClassVar[Literal["score", "energy"]] = "energy"

    def critic(self, batch: Round) -> Tensor:
        """relu(lambda d + r - f) + gamma r: equation 6."""
        distance = (batch.real - batch.fake).abs().flatten(1).mean(1)
        loss = relu(self.margin * distance + batch.on_real.score - batch.on_fake.score)
        return loss + self.gamma * batch.on_real.score

    def generator(self, batch: Round) -> Tensor:
        """f: equation 7."""
        return batch.on_fake.score
