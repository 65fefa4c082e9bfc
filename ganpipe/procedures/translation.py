"""Translation (Isola et al. 2017, pix2pix, arXiv 1611.07004): from a condition, a poorer picture, to the image."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Protocol

from pydantic import Field
from torch import Tensor

from ganpipe.params import Choice, Count, NonNegative
from ganpipe.procedures import Procedure


class Condition(Protocol):
    """What the procedure knows of a condition; those of `ganpipe.conditions` are it."""

    def unfit(self, shape: tuple[int, ...]) -> str | None: ...

    def shape(self, shape: tuple[int, ...]) -> tuple[int, ...]: ...

    def of(self, images: Tensor) -> Tensor: ...

    def nearest(self, x: Tensor) -> Tensor: ...


class Translation(Procedure):
    """The generator maps a condition and noise to an image; the critic sees the image beside the condition.

    critic_steps: updates of the critic before each update of the generator. l1: weight of mean |G(z, c) - x| over the
    features of a sample in the generator's loss, where c is the condition of x (equation 4). observed: how many
    conditions of training images samples are drawn from, where no earlier training (`first`) makes the conditions.
    Losses and penalties that compare or perturb samples see the condition as further features of them.
    """

    kind: Literal["translation"]
    condition: Annotated[Condition, Choice("ganpipe.conditions")]
    critic_steps: Count
    l1: NonNegative
    observed: Annotated[int, Field(ge=1, le=100_000)]
    stacks: ClassVar[bool] = True
    pretrains: ClassVar[bool] = False
    normal: ClassVar[bool] = True

    def unfit(self, shape: tuple[int, ...]) -> str | None:
        if len(shape) != 3:
            return "translation makes images of poorer images, the data are points"
        return self.condition.unfit(shape)

    def given(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        return self.condition.shape(shape)
