"""How many modes of a ring and a grid of Gaussians a variant finds, over several seeds: PacGAN's table.

    python -m benchmarks.modes [ROW ...] [--data ring grid] [--seeds 5] [--steps 10000] [--jobs 2]

Lin et al. 2018 (arXiv 1712.04086), section 4.1, with the variants of params.yaml: 2,500 samples of the raw generator, a
mode counts from one sample within 3 standard deviations on, mean +- standard error over seeds. Results so far are
kept in --out, one JSON line a training, and are not trained again while the variant stays as it is.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import multiprocessing
import tempfile
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import numpy as np

from ganpipe.config import configuration
from ganpipe.data import data_root
from ganpipe.metrics.modes import modes
from ganpipe.pipeline.specs import resolve_runtime
from ganpipe.training.loop import TrainingArguments, configure, train

ROWS = ["non_saturating", "pacgan", "pacgan_4", "unrolled", "lsgan", "hinge", "vae", "gmm"]
SAMPLES = 2500
Task = tuple[str, str, int, int]


def work(task: Task) -> dict[str, Any]:
    """One training: data, row, seed and number of steps to figures."""
    data, row, seed, steps = task
    chosen = configuration.load(Path("params.yaml"))
    runtime = resolve_runtime(chosen.runtime)
    configure(runtime)
    source = chosen.datasets[data].load(data_root(Path()))
    variant = chosen.variant(row, data)
    if variant.algorithm.is_adversarial:
        variant = variant.model_copy(update={"steps": steps, "sample_grid_every": steps})
    assert source.modes is not None
    assert source.mode_std is not None
    with tempfile.TemporaryDirectory() as folder:
        train(TrainingArguments(f"{data} {row}/{seed}", variant, runtime, source, seed, Path(folder)))
        samples = np.load(Path(folder) / "samples.npy")
    found = modes(samples[:SAMPLES].astype(float), centres=source.modes, std=source.mode_std)
    figures = {"modes": found.covered, "high_quality": 100 * found.high_quality, "reverse_kl": found.reverse_kl}
    return {"task": list(task), "row": digest(task), **figures}


def digest(task: Task) -> str:
    """Of everything that params.yaml says of the training, its data and the runtime; not of the code."""
    data, row, _, _ = task
    chosen = configuration.load(Path("params.yaml"))
    parts = (chosen.variant(row, data), chosen.datasets[data], chosen.runtime)
    whole = [part.model_dump(mode="json") for part in parts]
    return hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()[:12]


def said(values: list[float], decimals: int) -> str:
    error = np.std(values, ddof=1) / len(values) ** 0.5 if len(values) > 1 else float("nan")
    return f"{np.mean(values):7.{decimals}f} +- {error:{decimals + 3}.{decimals}f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="*", default=ROWS)
    parser.add_argument("--data", nargs="+", default=["ring", "grid"])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=10_000)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path(".cache/modes.jsonl"))
    given = parser.parse_args()
    known = configuration.load(Path("params.yaml"))
    for names, choices in ((given.rows, list(known.variants)), (given.data, list(known.datasets))):
        for name in names:
            if name not in choices:
                parser.error(f"{name} is not in params.yaml: use some of {', '.join(choices)}")
    tasks = [(d, row, s, given.steps) for d in given.data for row in given.rows for s in range(given.seeds)]
    rows = {task: digest(task) for task in tasks}
    done: dict[Task, dict[str, Any]] = {}
    if given.out.exists():
        for line in map(json.loads, given.out.read_text(encoding="utf-8").splitlines()):
            task = tuple(line["task"])
            if rows.get(task) == line["row"]:
                done[task] = line
    given.out.parent.mkdir(parents=True, exist_ok=True)
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(given.jobs, mp_context=spawn) as pool, given.out.open("a", encoding="utf-8") as file:
        for future in as_completed([pool.submit(work, task) for task in tasks if task not in done]):
            line = future.result()
            done[tuple(line["task"])] = line
            file.write(json.dumps(line) + "\n")
            file.flush()
    print(f"{given.seeds} seeds, {given.steps} steps, {SAMPLES} samples, mean +- standard error")
    print(f"{'data':6} {'row':16} {'modes':>18} {'high quality %':>18} {'reverse KL':>18}")
    for data in given.data:
        for row in given.rows:
            of = [done[data, row, seed, given.steps] for seed in range(given.seeds)]
            columns = {"modes": 2, "high_quality": 2, "reverse_kl": 4}
            figures = " ".join(f"{said([one[key] for one in of], digits):>18}" for key, digits in columns.items())
            print(f"{data:6} {row:16} {figures}")


if __name__ == "__main__":
    main()
