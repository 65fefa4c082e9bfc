"""Numbers as the pages print them."""

from __future__ import annotations

import math

from ganpipe.statistics import Number

NOTHING, NOT_FINITE, NOT_COMPUTED = "\u2013", "not finite", "not computed"
MINUS, THIN = "\u2212", "\u2009"


def number(value: Number) -> str:
    """A number with three significant digits, a whole one with all of its digits, in words where it is none."""
    if value is None or not math.isfinite(value):
        return NOT_FINITE
    if value == int(value) and abs(value) < 1e7:
        return _fixed(value, 0)
    if not 1e-4 <= abs(value) < 1e7:
        return f"{value:.1e}".replace("-", MINUS)
    return _fixed(value, _decimals(value, 3))


def signed(value: Number) -> str:
    """A difference with its sign, a dash where there is none."""
    return NOTHING if value is None else ("+" if value > 0 else "") + number(value)


def p_value(p: Number) -> str:
    """A p-value to three decimals, a dash where there is none."""
    return NOTHING if p is None else "< 0.001" if p < 0.001 else f"{p:.3f}"


def count(value: int) -> str:
    """A whole number, with thin spaces between groups of three digits."""
    return _fixed(value, 0)


def extent(values: list[int]) -> str:
    """The number that all values are, else "least to largest"; nothing for no values."""
    return " to ".join(dict.fromkeys(map(count, (min(values), max(values))))) if values else ""


def duration(seconds: float) -> str:
    """Seconds, minutes or hours and minutes, whichever reads best."""
    if seconds < 90:
        return f"{number(seconds)} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"


def mean_and_half(mean: float, half: float) -> tuple[str, str]:
    """A mean with no more digits than its interval of mean ± half allows: two of the half, at most three of its own."""
    if not (half > 0 and 1e-4 <= abs(mean) < 1e7 and half < 1e7):
        return number(mean), number(half)
    decimals = min(_decimals(mean, 3), _decimals(half, 2))
    visible = half >= 0.5 * 10.0**-decimals
    return _fixed(mean, decimals), _fixed(half, decimals) if visible else number(half)


def _decimals(value: float, digits: int) -> int:
    """How many decimals show so many significant digits of the rounded value."""
    exponent = int(f"{value:.{digits - 1}e}".partition("e")[2])
    return max(0, digits - 1 - exponent)


def _fixed(value: float, decimals: int) -> str:
    return f"{value:,.{decimals}f}".replace("-", MINUS).replace(",", THIN)
