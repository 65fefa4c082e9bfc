"""A critic that is its own generator (draft)."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from ganpipe.params import NonNegative
from ganpipe.procedures import Player, Procedure


class CriticOnly(Procedure):
    """Draft."""

    kind: Literal["critic_only"]
    replay: Annotated[int, Field(ge=0)]
    fresh: Annotated[float, Field(ge=0, le=1)]
    noise: NonNegative
    trains: ClassVar[frozenset[Player]] = frozenset({"critic"})
    makes: ClassVar[str | None] = "climber"
    per_sample: ClassVar[bool] = True
