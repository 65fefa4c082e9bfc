"""Procedures: how the steps are taken. The parameters are here; `ganpipe/training/<kind>.py` takes the steps."""

from __future__ import annotations

from typing import ClassVar, Literal, Protocol

from ganpipe.params import Part

Player = Literal["critic", "generator"]


class Procedure(Part):
    """The parameters of a way to train. plays: whether it is a game, which needs an objective and a critic.

    trains: the networks that it trains by gradient steps. makes, asks: the one kind of generator that it makes, and of
    critic that it plays with; None: any. normal: it needs latents from N(0, 1). per_sample: it reads the critic's
    gradient at single samples. stacks: its generator starts from a condition, which an earlier training (`first`) may
    make. pretrains: its critic can be pre-trained on real samples as they are.
    """

    plays: ClassVar[bool] = True
    trains: ClassVar[frozenset[Player]] = frozenset({"critic", "generator"})
    makes: ClassVar[str | None] = None
    asks: ClassVar[str | None] = None
    normal: ClassVar[bool] = False
    per_sample: ClassVar[bool] = False
    stacks: ClassVar[bool] = False
    pretrains: ClassVar[bool] = True

    def unfit(self, shape: tuple[int, ...]) -> str | None:
        """Why it makes no sense for samples of this shape; None where it does."""
        return None

    def given(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of the condition that a sample of this shape is made from, where the procedure stacks."""
        raise NotImplementedError


class Encoder(Protocol):
    """What a procedure knows of an encoder; those of `ganpipe.networks.encoders` are it."""

    def incompatibility(self, shape: tuple[int, ...]) -> str | None: ...
