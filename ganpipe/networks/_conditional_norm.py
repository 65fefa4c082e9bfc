"""Conditional batch norm: Dumoulin et al. 2017 (arXiv 1610.07629), in GANs by Miyato and Koyama 2018 (1802.05637)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm


class ConditionalBatchNorm(nn.Module):
    """A batch norm whose gain and bias are its own plus those of the label, which start at 0.

    labels (N, K), one-hot or 0, are set by the network around it, as layers between the two pass on samples alone.
    """

    def __init__(self, norm: _BatchNorm, classes: int) -> None:
        super().__init__()
        self.norm = type(norm)(norm.num_features, affine=False)
        self.gain, self.bias = norm.weight, norm.bias
        self.class_gain, self.class_bias = (nn.Parameter(torch.zeros(classes, norm.num_features)) for _ in range(2))
        self.labels: Tensor | None = None

    def forward(self, x: Tensor) -> Tensor:
        assert self.labels is not None
        gain, bias = self.gain + self.labels @ self.class_gain, self.bias + self.labels @ self.class_bias
        places = (..., *(None,) * (x.ndim - 2))
        normalised: Tensor = self.norm(x)
        return normalised * gain[places] + bias[places]


class ConditionalGenerator(nn.Module):
    """Noise (N, L) and labels (N, classes), one-hot or 0, to samples: the generator, each batch norm conditional."""

    def __init__(self, generator: nn.Module, classes: int) -> None:
        super().__init__()
        self.generator = generator
        for parent in list(generator.modules()):
            for name, layer in parent.named_children():
                if isinstance(layer, _BatchNorm):
                    setattr(parent, name, ConditionalBatchNorm(layer, classes))

    def forward(self, z: Tensor, labels: Tensor) -> Tensor:
        norms = [layer for layer in self.modules() if isinstance(layer, ConditionalBatchNorm)]
        try:
            for layer in norms:
                layer.labels = labels
            samples: Tensor = self.generator(z)
        finally:
            for layer in norms:
                layer.labels = None
        return samples
