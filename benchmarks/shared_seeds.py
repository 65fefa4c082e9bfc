"""Variants of one seed see the same order of data and the same latents: does that make their metrics go together?

    python -m benchmarks.shared_seeds [ROW ...] [--seeds 20] [--steps 500] [--jobs 1] [--page]

Trains each variant on digits with each seed and correlates, over the seeds, the Fréchet distances of two variants, with
Fisher's 95 % interval; and the mean over all pairs, with a 95 % interval over resampled seeds. Results are kept in
--folder, one JSON line a training; while params.yaml and the variant stay as they are they are not trained again.
--page writes what is printed into `docs/results.md`, too.
"""

from __future__ import annotations

import argparse
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import few_images, kept
from benchmarks.copies import SOURCE
from benchmarks.showcase import machine

ROWS = ["non_saturating", "r1", "lsgan", "hinge", "rpgan"]
PAGE = SOURCE / "docs/results.md"
WEIGHTS = {"frechet.raw": "last weights", "frechet.ema": "averaged weights"}
RESAMPLES = 2000


def mean_correlation(values: Any) -> float:
    """Over all pairs of rows of (variants, seeds)."""
    above = np.triu_indices(len(values), 1)
    return float(np.corrcoef(values)[above].mean())


def resampled(values: Any) -> tuple[float, float]:
    """The 95 % interval of the mean correlation over resampled seeds."""
    rng, seeds = np.random.default_rng(0), values.shape[1]
    found = [mean_correlation(values[:, rng.integers(seeds, size=seeds)]) for _ in range(RESAMPLES)]
    low, high = np.percentile(found, [2.5, 97.5])
    return float(low), float(high)


def break_even(seeds: int) -> float:
    """The correlation from which on a paired interval of a difference is shorter than Welch's, of equal variances.

    Its standard error is sqrt(1 - r) times that of Welch's, and it has half as many degrees of freedom.
    """
    from scipy.stats import t

    return float(1 - (t.ppf(0.975, 2 * seeds - 2) / t.ppf(0.975, seeds - 1)) ** 2)


def table(lines: list[dict[str, Any]], rows: list[str]) -> str:
    """Markdown: a line for each pair of variants, then their mean."""
    from scipy.stats import pearsonr

    by_task = {(line["task"][1], line["task"][2]): line for line in lines}
    seeds = sorted({seed for _, seed in by_task})
    values = {of: np.array([[by_task[row, seed][of] for seed in seeds] for row in rows], float) for of in WEIGHTS}
    titles = {line["task"][1]: line["title"] for line in lines}
    out = [f"| variants | {' | '.join(f'r of {name}' for name in WEIGHTS.values())} |", "| --- | ---: | ---: |"]
    for one, other in combinations(range(len(rows)), 2):
        cells = []
        for array in values.values():
            found = pearsonr(array[one], array[other])
            low, high = found.confidence_interval(0.95)
            cells.append(f"{found.statistic:.2f} ({low:.2f} to {high:.2f})")
        out.append(f"| {titles[rows[one]]}, {titles[rows[other]]} | {' | '.join(cells)} |")
    means = ["{:.2f} ({:.2f} to {:.2f})".format(mean_correlation(a), *resampled(a)) for a in values.values()]
    return "\n".join([*out, f"| *mean* | {' | '.join(means)} |"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="*", default=ROWS)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--folder", type=Path, default=SOURCE / ".cache/shared_seeds")
    parser.add_argument("--page", action="store_true")
    given = parser.parse_args()
    start, end = (f"<!-- {word} {given.steps} steps of shared seeds -->" for word in ("begin", "end"))
    if given.page and start not in PAGE.read_text(encoding="utf-8"):
        parser.error(f"{PAGE} has no place for {given.steps} steps: put {start} and {end} there, each on its own line")
    tasks: list[few_images.Task] = [(None, row, seed, given.steps) for seed in range(given.seeds) for row in given.rows]
    known = few_images.trained(tasks, given.folder, given.jobs)
    lines = [known[task] for task in tasks]
    commits = ", ".join(sorted({line["commit"] for line in lines}))
    few, many = break_even(5), break_even(10)
    content = (
        f"{table(lines, given.rows)}\n\nPearson's r over {given.seeds} seeds of the Fréchet distance after "
        f"{given.steps} steps on digits, in brackets 95 % intervals. A paired interval would be shorter than Welch's "
        f"with 5 seeds from r = {few:.2f} on, with 10 from {many:.2f}. Commit {commits}, {machine()}."
    )
    print(content)
    if given.page:
        kept.write_section(PAGE, f"{start}\n", end, content)


if __name__ == "__main__":
    main()
