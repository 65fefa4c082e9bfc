"""Half a cosine (Loshchilov and Hutter 2017, arXiv 1608.03983, without restarts), as all of R3GAN's schedules are."""

from __future__ import annotations

from math import cos, pi
from typing import Literal

from ganpipe.schedules import Schedule


class Cosine(Schedule):
    """end + (start - end) (1 + cos(pi p)) / 2: slow at both ends."""

    kind: Literal["cosine"]

    def share(self, progress: float) -> float:
        return (1 - cos(pi * progress)) / 2
