"""Components of variance: by hand, and on values whose components are known."""

from __future__ import annotations

import numpy as np
import pytest

from ganpipe.statistics.components import components, seeds_needed


def test_by_hand() -> None:
    (found,) = components({"order": [1.0, 3.0]}, [0.0, 4.0])
    assert found.sd == pytest.approx(2**0.5)
    assert found.share == pytest.approx(0.25)
    # F(.975; 1, 1) = 647.79
    assert (found.low, found.high) == pytest.approx((0.25 / 647.79, 0.25 * 647.79), rel=1e-4)


def test_known_components_are_found_and_intervals_hold_them() -> None:
    """Two independent sources with three quarters and a quarter of the variance, without interaction."""
    rng, shares, held = np.random.default_rng(0), [], 0
    for _ in range(400):
        values = {"a": (3**0.5 * rng.normal(size=10)).tolist(), "b": rng.normal(size=10).tolist()}
        a, b = components(values, (2 * rng.normal(size=10)).tolist())
        held += (a.low < 0.75 < a.high) + (b.low < 0.25 < b.high)
        shares.append((a.share, b.share))
    assert np.median(shares, axis=0) == pytest.approx([0.75, 0.25], rel=0.15)
    assert 0.93 < held / 800 < 0.97


@pytest.mark.parametrize(("difference", "seeds"), [(1.0, 17), (0.5, 64), (2.0, 6), (0.001, None)])
def test_seeds_needed(difference: float, seeds: int | None) -> None:
    """As in the tables of Cohen 1988 for two groups at 5 % and a power of 80 %."""
    assert seeds_needed(1.0, difference) == seeds
