"""No objective: the algorithm has a loss of its own (autoencoder, VAE, Gaussian mixture)."""

from __future__ import annotations

from typing import Literal

from ganpipe.objectives import Objective


class NoObjective(Objective):
    """For algorithms without a critic."""

    kind: Literal["none"]
