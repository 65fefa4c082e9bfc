"""Statistics over seeds: of one variant, of the difference of two, and of the ranking of many.

The unit is the seed: one training gives one value. Seeds are not paired across variants: every comparison takes two
independent samples. Variants of one seed see the same order of data and the same latents, so that their values go
together a little (`benchmarks/shared_seeds.py`, docs/results.md): tests are then too careful, not too bold. A value
that is None or not finite is a lost seed, as a training that is not finite leaves it. Every function counts lost seeds
and says how it treats them.
"""

from ganpipe.statistics.bootstrap import Interval, bootstrap_mean
from ganpipe.statistics.differences import Difference, Superiority, a12, holm, welch
from ganpipe.statistics.ranking import MIN_SEEDS, Ranking, RankInterval, distinct, rank
from ganpipe.statistics.seeds import LEVEL, Better, Number, Summary, finite, summary

__all__ = [
    "LEVEL",
    "MIN_SEEDS",
    "Better",
    "Difference",
    "Interval",
    "Number",
    "RankInterval",
    "Ranking",
    "Summary",
    "Superiority",
    "a12",
    "bootstrap_mean",
    "distinct",
    "finite",
    "holm",
    "rank",
    "summary",
    "welch",
]
