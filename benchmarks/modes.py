"""How many modes of a ring and a grid of Gaussians a variant finds, over several seeds: PacGAN's table.

    python -m benchmarks.modes [ROW ...] [--data ring grid] [--seeds 5] [--steps 20000] [--jobs 2] [--page]

Lin et al. 2018 (arXiv 1712.04086), section 4.1, with the variants of params.yaml at their own steps or at --steps:
2,500 samples of the raw generator, a mode counts from one sample within 3 standard deviations on. Besides: how often
the mode with the most samples changes between fifty snapshots of the training. Mean +- half of the 95 % interval over
seeds. Results are kept in --out, one JSON line a training; while a variant stays as it is they are not trained again,
and all of them are printed. --page writes what is printed into `docs/results.md`, too.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import kept
from benchmarks.copies import SOURCE
from benchmarks.showcase import describe, machine
from ganpipe.config import configuration
from ganpipe.config.variant import Variant
from ganpipe.data import data_root
from ganpipe.metrics.modes import leading_mode_changes, modes
from ganpipe.pipeline.specs import resolve_runtime
from ganpipe.statistics.seeds import summary
from ganpipe.training.loop import TrainingArguments, configure, train

ROWS = ["non_saturating", "pacgan", "pacgan_4", "unrolled", "lsgan", "hinge", "vae", "gmm"]
SAMPLES, SNAPSHOTS = 2500, 50
COLUMNS = {"modes": 1, "high_quality": 1, "reverse_kl": 3, "changes": 1}  # and decimals
START, END = "<!-- modes -->\n", "<!-- end of modes -->"
Task = tuple[str, str, int, int | None]  # data, row, seed, steps: None for the row's own


@cache
def params() -> configuration.Configuration:
    return configuration.load(Path("params.yaml"))


def settings(task: Task) -> Variant:
    """The variant of a task, with as many steps as it asks for."""
    data, row, _, steps = task
    variant = params().variant(row, data)
    if steps and variant.algorithm.is_adversarial:
        variant = variant.model_copy(update={"steps": steps})
    snapshots = {"count": min(SNAPSHOTS, variant.steps), "num_samples": SAMPLES}
    return variant.model_copy(
        update={
            "sample_grid_every": variant.steps,
            "num_samples": SAMPLES,
            "snapshots": variant.snapshots.model_copy(update=snapshots),
        }
    )


def work(task: Task) -> dict[str, Any]:
    """One training: data, row, seed and number of steps to figures."""
    data, row, seed, _ = task
    chosen, runtime = params(), resolve_runtime(params().runtime)
    configure(runtime)
    source, variant = chosen.datasets[data].load(data_root(Path())), settings(task)
    assert source.modes is not None
    assert source.mode_std is not None
    with tempfile.TemporaryDirectory() as folder:
        train(TrainingArguments(f"{data} {row}/{seed}", variant, runtime, source, seed, Path(folder)))
        snapshots = sorted(Path(folder, "snapshots").glob("??????.npy"))
        paths = [*snapshots, Path(folder, "samples.npy")]
        found = [modes(np.load(path).astype(float), centres=source.modes, std=source.mode_std) for path in paths]
    figures = {
        "modes": found[-1].covered,
        "high_quality": 100 * found[-1].high_quality,
        "reverse_kl": found[-1].reverse_kl,
        "changes": leading_mode_changes([one.shares for one in found[:-1]]),
    }
    return {"task": list(task), "row": digest(task), "title": variant.title, "steps": variant.steps, **figures}


def digest(task: Task) -> str:
    """Of all that params.yaml says of the training, its data and the runtime; not of thresholds nor of the code."""
    parts = (settings(task), params().datasets[task[0]], params().runtime)
    whole = [part.model_dump(mode="json", exclude={"health"}) for part in parts]
    return hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()[:12]


def cell(values: list[float], decimals: int) -> str:
    found = summary(values)
    if found.high is None or found.mean is None:
        return f"{values[0]:.{decimals}f}"
    return f"{found.mean:.{decimals}f} ± {found.high - found.mean:.{decimals}f}"


def table(lines: list[dict[str, Any]]) -> str:
    """Markdown: a line for each data set and variant, those of a data set by their share of high quality."""
    rows: dict[tuple[str, str, int], list[dict[str, Any]]] = {}
    for line in lines:
        rows.setdefault((line["task"][0], line["task"][1], line["steps"]), []).append(line)
    best = sorted(rows.items(), key=lambda item: (item[0][0] != "ring", -np.mean([r["high_quality"] for r in item[1]])))
    out = ["| data | variant | steps | seeds | modes | high quality % | reverse KL | changes of the leading mode |"]
    out.append(f"|{' --- |' * 2}{' ---: |' * 6}")
    for (data, row, steps), seeds in best:
        cells = [cell([one[key] for one in seeds], digits) for key, digits in COLUMNS.items()]
        name = f"[{seeds[0]['title']}](../variants/{row}.yaml)"
        out.append(f"| {data} | {name} | {steps} | {len(seeds)} | {' | '.join(cells)} |")
    return "\n".join(out)


def read(file: Path) -> dict[Task, dict[str, Any]]:
    """The results that are there already, of variants that are as they were."""
    known = [line for line in kept.read(file) if line["task"][1] in params().variants]
    return {tuple(line["task"]): line for line in known if digest(tuple(line["task"])) == line["row"]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="*", default=ROWS)
    parser.add_argument("--data", nargs="+", default=["ring", "grid"])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path(".cache/modes.jsonl"))
    parser.add_argument("--page", action="store_true")
    given = parser.parse_args()
    known = params()
    for names, choices in ((given.rows, list(known.variants)), (given.data, list(known.datasets))):
        for name in names:
            if name not in choices:
                parser.error(f"{name} is not in params.yaml: use some of {', '.join(choices)}")
    for row in given.rows:
        if known.variant(row, given.data[0]).pretrained_file:
            parser.error(f"{row} starts from an earlier training: use `ganpipe sweep {row}`")
    tasks = [(d, row, s, given.steps) for d in given.data for s in range(given.seeds) for row in given.rows]
    done = read(given.out)
    given.out.parent.mkdir(parents=True, exist_ok=True)
    calls = [(task,) for task in tasks if task not in done]
    done |= {tuple(line["task"]): line for line in kept.measure(work, calls, given.jobs, given.out)}
    content = table(list(done.values()))
    content += (
        f"\n\n{SAMPLES} samples of the raw generator; of several seeds the mean ± half of its 95 % interval; "
        f"{SNAPSHOTS} snapshots. Commit {describe()}, {machine()}."
    )
    print(content)
    if given.page:
        kept.write_section(SOURCE / "docs/results.md", START, END, content)


if __name__ == "__main__":
    main()
