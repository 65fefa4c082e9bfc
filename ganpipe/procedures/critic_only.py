"""A critic alone: samples are what it takes for real, and what it then learns to tell from reals.

"Can discriminator generate?" in H.-y. Lee's lecture on GANs (2018); with a few steps from noise, Nijkamp et al. 2019
(arXiv 1904.09770), algorithm 1.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from ganpipe.params import NonNegative
from ganpipe.procedures import Player, Procedure


class CriticOnly(Procedure):
    """In each step the critic's finds, uphill from fresh latents, are its negatives beside a batch of reals.

    How it climbs is the row's generator, a climber; its loss is the objective's for the critic, and with
    `wgan` that of an energy-based model by maximum likelihood, whose energy is -D(x).
    noise: deviation of the noise on the reals, in the networks' space. It gives the critic a slope towards them where
    they lie on a thin set.
    """

    kind: Literal["critic_only"]
    noise: NonNegative
    trains: ClassVar[frozenset[Player]] = frozenset({"critic"})
    makes: ClassVar[str | None] = "gradient_ascent"
    per_sample: ClassVar[bool] = True
