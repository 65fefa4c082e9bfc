"""Two players in turn (Goodfellow et al. 2014, algorithm 1)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ganpipe.params import Count, Frozen, NonNegative, Positive
from ganpipe.procedures import Procedure


class Unroll(Frozen):
    """The generator plays against the critic as it will be after `steps` gradient steps of size `lr` (0: as it is).

    Metz et al. 2017 (arXiv 1611.02163), equations 7 to 11.
    """

    steps: Annotated[int, Field(ge=0, le=100)]
    lr: Positive


class Adversarial(Procedure):
    """critic_steps: updates of the critic before each update of the generator.

    pack: samples that the critic judges together, joined on the channel axis (Lin et al. 2018, arXiv 1712.04086).
    instance_noise: deviation of the noise on all that the critic sees, at the first step; it goes to 0 in a line
    until the last (Sonderby et al. 2017, arXiv 1610.04490).
    """

    kind: Literal["adversarial"]
    critic_steps: Count
    pack: Count
    unroll: Unroll
    instance_noise: NonNegative


def turns(critic_steps: int) -> Adversarial:
    """The plain game, for procedures that add something of their own to its steps."""
    unroll = Unroll(steps=0, lr=1.0)
    return Adversarial(kind="adversarial", critic_steps=critic_steps, pack=1, unroll=unroll, instance_noise=0.0)
