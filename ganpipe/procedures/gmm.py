"""A Gaussian mixture by maximum likelihood (Dempster, Laird and Rubin 1977): no game, no network."""

from __future__ import annotations

from typing import ClassVar, Literal

from ganpipe.params import Count, Positive
from ganpipe.procedures import Player, Procedure


class GMM(Procedure):
    """Expectation maximisation on the whole training data; the row's `steps` count its iterations.

    floor: added to the diagonal of every covariance, in the networks' space squared; it keeps components that hold few
    samples, or pixels that never change, from collapsing, and where it is not small beside the variances the
    likelihood may fall a little. restarts: clusterings by k-means to begin from, the best of which goes on.
    """

    kind: Literal["gmm"]
    floor: Positive
    restarts: Count
    plays: ClassVar[bool] = False
    pretrains: ClassVar[bool] = False
    trains: ClassVar[frozenset[Player]] = frozenset()
    makes: ClassVar[str | None] = "gmm"
    normal: ClassVar[bool] = True
