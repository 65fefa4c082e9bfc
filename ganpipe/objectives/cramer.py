"""Cramer GAN: Bellemare et al. 2017 (arXiv 1705.10743), section 4; Binkowski et al. 2018, appendix A."""

from __future__ import annotations

from typing import Literal

from torch import Tensor

from ganpipe.objectives._discrepancy import Discrepancy


class Cramer(Discrepancy):
    """k(a, b) = -|a - b|: the energy distance of the scores, 2 E|f - r| - E|f - f'| - E|r - r'|.

    The paper's critic compares a sample with generated ones alone and has the gradient penalty on that comparison;
    here real ones are compared with real ones too, and penalties are on the score.
    """

    kind: Literal["cramer"]

    @property
    def needs_lipschitz(self) -> bool:
        return True

    def kernel(self, a: Tensor, b: Tensor) -> Tensor:
        return -(a - b.T).abs()
