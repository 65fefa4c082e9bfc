"""The projection critic: Miyato and Koyama 2018 (arXiv 1802.05637), equation 3."""

from __future__ import annotations

from typing import ClassVar, Literal

from torch import Tensor, nn
from torch.nn.functional import softplus

from ganpipe.critic import CriticOutput
from ganpipe.networks import CriticNetwork, Shape
from ganpipe.networks.conditioning import CriticConditioning, split_head


class _Projection(nn.Module):
    def __init__(self, critic: nn.Module, classes: int, energy: bool) -> None:
        super().__init__()
        self.features, self.last = split_head(critic)
        self.embedding, self.energy = nn.Linear(classes, self.last.in_features, bias=False), energy
        nn.init.xavier_uniform_(self.embedding.weight)  # as in the authors' code

    def forward(self, x: Tensor, labels: Tensor) -> CriticOutput:
        phi = self.features(x)
        score = (self.embedding(labels) * phi).sum(1) + self.last(phi).squeeze(1)
        return CriticOutput(softplus(score) if self.energy else score)


class Projection(CriticConditioning):
    """score = y^T V phi(x) + psi(phi(x)): the class y's row of V on the features, beside the unconditional score."""

    kind: Literal["projection"]
    reads_features: ClassVar[bool] = True

    def build(self, critic: CriticNetwork, shape: Shape, classes: int) -> nn.Module:
        return _Projection(critic.build(shape), classes, critic.output_type == "energy")
