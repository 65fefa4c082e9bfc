"""The base of networks that are several networks side by side."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ganpipe.networks import Network, Shape


class Members(Network):
    """`count` networks of the same architecture, `member`, and different weights; stands before the player's base."""

    count: Annotated[int, Field(ge=2, le=32)]
    member: Network

    def unfit(self, shape: Shape) -> str | None:
        return self.member.unfit(shape)
