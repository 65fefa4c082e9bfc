"""Schedules, one file each: how a number changes over a training, as a function of the share of it that is done."""

from __future__ import annotations

from abc import abstractmethod

from ganpipe.parts import Part


class Schedule(Part):
    """There is no state: a training that goes on from a checkpoint has the numbers of one that was not stopped."""

    @abstractmethod
    def factor(self, progress: float) -> float:
        """What the number is multiplied by after this share of the steps: progress is 0 in the first step."""
