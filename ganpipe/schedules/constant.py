"""The same number in every step."""

from __future__ import annotations

from typing import Literal

from ganpipe.schedules import Schedule


class Constant(Schedule):
    """1."""

    kind: Literal["constant"]

    def factor(self, progress: float) -> float:
        return 1.0
