"""The base of networks that consist of several networks."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ganpipe.networks import Network, Shape


class EnsembleNetwork(Network):
    """`num_members` networks of the architecture `base`, each with weights of its own.

    A mixin, before `GeneratorNetwork` or `CriticNetwork`.
    """

    num_members: Annotated[int, Field(ge=2, le=32)]
    base: Network

    @property
    def starts_at_zero(self) -> bool:
        return self.base.starts_at_zero

    def incompatibility(self, shape: Shape) -> str | None:
        return self.base.incompatibility(shape)
