"""AC-GAN: Odena, Olah and Shlens 2017 (arXiv 1610.09585), section 3: the critic names the class beside its score."""

from __future__ import annotations

from typing import ClassVar, Literal

from torch import Tensor, nn
from torch.nn.functional import cross_entropy, softplus

from ganpipe.critic import CriticBatch, CriticOutput
from ganpipe.networks import CriticNetwork, Shape
from ganpipe.networks.conditioning import CriticConditioning, split_head
from ganpipe.parts import Positive


class _AuxiliaryClassifier(nn.Module):
    def __init__(self, critic: nn.Module, classes: int, energy: bool) -> None:
        super().__init__()
        self.features, self.last = split_head(critic)
        self.classify, self.energy = nn.Linear(self.last.in_features, classes), energy

    def forward(self, x: Tensor, labels: Tensor) -> CriticOutput:
        phi = self.features(x)
        score = self.last(phi).squeeze(1)
        return CriticOutput(softplus(score) if self.energy else score, class_logits=self.classify(phi))


class AuxiliaryClassifier(CriticConditioning):
    """Both networks minimise weight times the cross-entropy of the class (the paper's -L_C, equation 3): the critic on
    real and on generated samples, the generator on generated ones. The score does not read the label."""

    kind: Literal["auxiliary_classifier"]
    weight: Positive
    reads_features: ClassVar[bool] = True

    def build(self, critic: CriticNetwork, shape: Shape, classes: int) -> nn.Module:
        return _AuxiliaryClassifier(critic.build(shape), classes, critic.output_type == "energy")

    def terms(self, network: Literal["critic", "generator"], batch: CriticBatch, labels: Tensor) -> dict[str, Tensor]:
        if network == "generator":
            return {"generator_class_loss": self._loss(batch.fake_output, labels)}
        return {"class_loss": self._loss(batch.real_output, labels) + self._loss(batch.fake_output, labels)}

    def _loss(self, output: CriticOutput, labels: Tensor) -> Tensor:
        if output.class_logits is None:
            raise TypeError("AC-GAN needs a critic with class logits")
        return self.weight * cross_entropy(output.class_logits, labels)
