"""How a critic takes class labels in: a part around any critic network, one file each."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar, Literal

from torch import Tensor, nn

from ganpipe.critic import CriticBatch
from ganpipe.networks import CriticNetwork, Shape
from ganpipe.networks._blocks import ScalarHead
from ganpipe.parts import Part


class CriticConditioning(Part):
    """reads_features: it needs the critic's features phi(x), of which the score is a linear function."""

    reads_features: ClassVar[bool] = False

    @abstractmethod
    def build(self, critic: CriticNetwork, shape: Shape, classes: int) -> nn.Module:
        """A module that maps samples (N, *shape) and labels (N, classes), one-hot or 0, to a `CriticOutput`.

        It is initialised from torch's global random state. With labels 0 it is an unconditional critic.
        """

    def terms(self, network: Literal["critic", "generator"], batch: CriticBatch, labels: Tensor) -> dict[str, Tensor]:
        """What it adds to the loss of this network, by the names in the history, each of shape (); nothing by default.

        labels: (N,) int64, of the real samples of the batch and of the generated ones.
        """
        return {}


def split_head(net: nn.Module) -> tuple[nn.Module, nn.Linear]:
    """The features phi(x), (N, C), of a critic with a linear last layer, and that layer."""
    assert isinstance(net, ScalarHead)
    layers: list[nn.Module] = [net.body]
    while isinstance(last := layers.pop(), nn.Sequential):
        layers += last
    assert isinstance(last, nn.Linear)
    return nn.Sequential(*layers), last
