"""Two players in turn (Goodfellow et al. 2014, algorithm 1)."""

from __future__ import annotations

from typing import Literal

from ganpipe.params import Count
from ganpipe.procedures import Procedure


class Adversarial(Procedure):
    """critic_steps: updates of the critic before each update of the generator.

    pack: samples that the critic judges together, joined on the channel axis (Lin et al. 2018, arXiv 1712.04086).
    """

    kind: Literal["adversarial"]
    critic_steps: Count
    pack: Count
