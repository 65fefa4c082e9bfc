"""The base of procedures that train an encoder and the row's generator as its decoder."""

from __future__ import annotations

from typing import Annotated, ClassVar

from ganpipe.params import Choice
from ganpipe.procedures import Encoder, Player, Procedure


class Decoding(Procedure):
    """No game: an encoder that the procedure brings along, and no critic. Both are trained by `generator_optimizer`."""

    encoder: Annotated[Encoder, Choice("ganpipe.networks.encoders")]
    plays: ClassVar[bool] = False
    pretrains: ClassVar[bool] = False
    trains: ClassVar[frozenset[Player]] = frozenset({"generator"})
    normal: ClassVar[bool] = True

    def unfit(self, shape: tuple[int, ...]) -> str | None:
        return self.encoder.incompatibility(shape)
