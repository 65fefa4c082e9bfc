"""What several seeds say: of one variant, of two, and of many in an order.

The unit is the seed: one training gives one value. Seeds are no pairs across variants: the same number draws other
noise in another network, so every comparison takes its two sides as independent samples. A value that is None or not
finite is a seed that is `lost`, as a training that is not finite leaves it. No mean is made better by leaving it out:
the functions here count it, and say what they do about it.
"""

from ganpipe.statistics.bootstrap import Interval, bootstrap_mean
from ganpipe.statistics.differences import Difference, Superiority, a12, holm, welch
from ganpipe.statistics.ranking import RESOLVED, Place, Ranking, distinct, rank
from ganpipe.statistics.seeds import LEVEL, Better, Number, Summary, finite, summary

__all__ = [
    "LEVEL",
    "RESOLVED",
    "Better",
    "Difference",
    "Interval",
    "Number",
    "Place",
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
