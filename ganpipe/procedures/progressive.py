"""Progressive growing (Karras et al. 2018, arXiv 1710.10196): small images first, then larger ones."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from ganpipe.params import LARGEST, Count, Frozen, NonNegative, Positive, refuse
from ganpipe.procedures import Procedure


class Phase(Frozen):
    """A size in pixels. fade, stable: how long, in parts of the whole training: faded in, then alone.

    batch: samples of each kind per update, in place of the row's `batch`.
    """

    size: Annotated[int, Field(ge=4, le=LARGEST)]
    fade: NonNegative
    stable: Positive
    batch: Annotated[int, Field(ge=2, le=LARGEST)]


class Progressive(Procedure):
    """critic_steps: updates of the critic before each update of the generator. phases: from small to large images."""

    kind: Literal["progressive"]
    critic_steps: Count
    phases: Annotated[tuple[Phase, ...], Field(strict=False, min_length=1)]
    makes: ClassVar[str | None] = "progressive"
    asks: ClassVar[str | None] = "progressive"

    @model_validator(mode="after")
    def _rules(self) -> Progressive:
        for i, phase in enumerate(self.phases):
            if i == 0 and phase.fade:
                raise refuse(
                    "has nothing to be faded in over in the first phase; use 0", "phases", 0, "fade", value=phase.fade
                )
            if i and phase.size != 2 * self.phases[i - 1].size:
                sentence = f"is not twice the size before; use {2 * self.phases[i - 1].size}"
                raise refuse(sentence, "phases", i, "size", value=phase.size)
        return self

    def unfit(self, shape: tuple[int, ...]) -> str | None:
        last = self.phases[-1].size
        if shape[-1] != last:
            return f"the last phase of progressive growing is at {last} pixels, the images have {shape[-1]}"
        return None

    def at(self, progress: float) -> tuple[Phase, float]:
        """The phase after this share of the training, and its alpha: 0 where it begins, 1 where it is faded in."""
        left = progress * sum(phase.fade + phase.stable for phase in self.phases)
        for phase in self.phases[:-1]:
            if left <= phase.fade + phase.stable:
                break
            left -= phase.fade + phase.stable
        else:
            phase = self.phases[-1]
        return phase, min(1.0, left / phase.fade) if phase.fade else 1.0
