"""Loss-Sensitive GAN: Qi 2017 (arXiv 1701.06264)."""

from __future__ import annotations

from typing import ClassVar, Literal

from torch import Tensor
from torch.nn.functional import relu

from ganpipe.critic import CriticBatch
from ganpipe.objectives import Objective
from ganpipe.parts import NonNegative, Positive


class LossSensitive(Objective):
    """r and f are losses L >= 0, which differ by a margin that grows with the distance d(x, G(z)).

    d is the mean absolute difference of each real and its fake, paired by index: the mean, not the paper's sum over
    pixels, so that one margin serves every image size. margin: the paper's lambda. gamma: the weight of r itself.
    """

    kind: Literal["loss_sensitive"]
    margin: Positive
    gamma: NonNegative
    compares_samples: ClassVar[bool] = True
    output_type: ClassVar[Literal["score", "energy"]] = "energy"

    def critic(self, batch: CriticBatch) -> Tensor:
        """relu(lambda d + r - f) + gamma r: equation 6."""
        distance = (batch.real - batch.fake).abs().flatten(1).mean(1)
        loss = relu(self.margin * distance + batch.real_output.score - batch.fake_output.score)
        return loss + self.gamma * batch.real_output.score

    def generator(self, batch: CriticBatch) -> Tensor:
        """f: equation 7."""
        return batch.fake_output.score
