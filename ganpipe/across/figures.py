"""The pictures of the page: interquartile means, performance profiles, the critical-difference diagram."""

from __future__ import annotations

from collections.abc import Sequence

from ganpipe.across.compare import Comparison
from ganpipe.lecture.probe import axes, svg
from ganpipe.statistics.across import MeanRanks
from ganpipe.tuning.page import COLOURS

MOST_TICKS = 10
INK, MUTED = "#1d1d1f", "#6a6a70"


def means(found: Comparison) -> bytes:
    """The interquartile mean of each variant, its interval, and its mean on each data set as a ring."""
    figure, (pane,) = axes(width=7.2, height=0.9 + 0.34 * len(found.rows))
    for y, row in enumerate(found.rows):
        colour = COLOURS[y % len(COLOURS)]
        pane.plot(row.means, [y] * len(row.means), "o", mfc="none", color=colour, alpha=0.7, markersize=5)
        if row.iqm.low is not None and row.iqm.high is not None:
            pane.plot([row.iqm.low, row.iqm.high], [y, y], color=colour, linewidth=5, alpha=0.35)
        pane.plot([row.iqm.value], [y], "|", color=INK, markersize=14)
    pane.set_yticks(range(len(found.rows)), [row.variant.title for row in found.rows])
    pane.set_ylim(len(found.rows) - 0.5, -0.5)
    pane.set_xlabel("score: noise 0, real data 1")
    return svg(figure)


def profiles(found: Comparison) -> bytes:
    """The share of runs above each score, with bands."""
    figure, (pane,) = axes(width=7.2, height=4.2)
    for colour, row, one in zip(COLOURS, found.rows, found.profiles, strict=False):
        if one.low is not None and one.high is not None:
            pane.fill_between(one.thresholds, one.low, one.high, step="post", color=colour, alpha=0.12, linewidth=0)
        pane.step(one.thresholds, one.share, color=colour, where="post", label=row.variant.title)
    pane.set_xlabel("score: noise 0, real data 1")
    pane.set_ylabel("share of runs above it")
    pane.margins(x=0)
    figure.legend(loc="outside lower center", ncols=3, frameon=False, fontsize=8)
    return svg(figure)


def diagram(titles: Sequence[str], found: MeanRanks) -> bytes:
    """Demšar 2006, figure 1: variants along their mean ranks; a bar joins those that cannot be told apart.

    titles: of the variants, which keep the colours of their places.
    """
    order = sorted(range(len(titles)), key=lambda i: found.ranks[i])
    ranks, k = [found.ranks[i] for i in order], len(order)
    joined, half, gap = groups(ranks, found.critical_difference), (k + 1) // 2, 0.03 * (k - 1)
    top = 0.6 + 0.34 * len(joined)
    figure, (pane,) = axes(width=7.2, height=0.7 + 0.26 * (top + half))
    pane.axis("off")
    pane.set(xlim=(1 - 0.75 * (k - 1), k + 0.75 * (k - 1)), ylim=(top + half, -2.2))
    pane.plot([1, k], [0, 0], color=INK, linewidth=1)
    for tick in range(1, k + 1, max(1, k // MOST_TICKS)):
        pane.plot([tick, tick], [0, -0.25], color=INK, linewidth=1)
        pane.text(tick, -0.4, str(tick), ha="center", va="bottom", fontsize=9)
    pane.plot([1, 1 + found.critical_difference], [-1.7, -1.7], color=MUTED, linewidth=2, solid_capstyle="butt")
    pane.text(
        1 + found.critical_difference + gap / 2, -1.7, f"CD {found.critical_difference:.2f}", va="center", fontsize=9
    )
    for place, (i, rank) in enumerate(zip(order, ranks, strict=True)):
        left = place < half
        y, x = top + (place if left else k - 1 - place), 1 - gap if left else k + gap
        pane.plot([rank, rank, x], [0, y, y], color=COLOURS[i % len(COLOURS)], linewidth=1)
        at, side = (x - gap / 2, "right") if left else (x + gap / 2, "left")
        pane.text(at, y, f"{titles[i]} {rank:.2f}", ha=side, va="center", fontsize=9)
    for level, (first, last) in enumerate(joined):
        y = 0.4 + 0.34 * level
        pane.plot(
            [ranks[first] - gap / 4, ranks[last] + gap / 4], [y, y], color=INK, linewidth=4, solid_capstyle="butt"
        )
    return svg(figure)


def groups(ranks: Sequence[float], critical_difference: float) -> list[tuple[int, int]]:
    """First and last place of each largest group that is not told apart, of ranks from the lowest on."""
    found: list[tuple[int, int]] = []
    for first in range(len(ranks)):
        last = max(i for i in range(len(ranks)) if ranks[i] - ranks[first] <= critical_difference)
        if last > first and (not found or last > found[-1][1]):
            found.append((first, last))
    return found
