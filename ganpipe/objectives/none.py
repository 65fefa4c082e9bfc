"""No objective: the procedure has a loss of its own (autoencoder, VAE, Gaussian mixture)."""

from __future__ import annotations

from typing import Literal

from ganpipe.objectives import Objective


class NoObjective(Objective):
    """For procedures without a game."""

    kind: Literal["none"]
