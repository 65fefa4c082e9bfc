"""Augmentation against the number of training images: digits, 100 to all of them.

    python -m benchmarks.few_images [ROW ...] [--limits 100 300 1000] [--seeds 3] [--steps N] [--jobs 2] [--page]

Each variant is trained on so many of the digits (`data.limit`) and measured as the pipeline does: with a classifier of
all training images, against all test images, and memorization against the images that were trained on. Mean +- half of
the 95 % interval over seeds, of averaged weights but where a column says otherwise. Results are kept in --folder, one
JSON line a training; while params.yaml and the variant stay as they are they are not trained again.
--page writes what is printed into `docs/results.md`, too.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks import kept
from benchmarks.copies import SOURCE
from benchmarks.modes import cell
from benchmarks.showcase import describe, machine
from ganpipe.config import configuration
from ganpipe.config.variant import Variant
from ganpipe.evaluation.baselines import max_generated
from ganpipe.evaluation.setup import open_reference
from ganpipe.pipeline.specs import resolve_runtime
from ganpipe.prepared import PreparedDataset
from ganpipe.training.classifier import fit
from ganpipe.training.loop import TrainingArguments, configure, train

ROWS = ["r1", "diffaugment", "ada"]
DATA = "digits"
START, END = "<!-- few images -->\n", "<!-- end of few images -->"
COLUMNS = {  # each with the metric, the weights, and decimals
    "Fréchet distance ↓": ("frechet", "ema", 1),
    "of last weights ↓": ("frechet", "raw", 1),
    "Recall ↑": ("recall", "ema", 2),
    "memorized": ("memorization", "ema", 3),
    "z of memorization": ("memorization_z", "ema", 1),
}
Task = tuple[int | None, str, int, int | None]  # limit, variant, seed, steps: None for the variant's own


@cache
def params() -> configuration.Configuration:
    return configuration.load(SOURCE / "params.yaml")


def settings(task: Task) -> Variant:
    _, row, _, steps = task
    variant = params().variant(row, DATA)
    return variant.model_copy(update={"steps": steps}) if steps else variant


def digits(limit: int | None = None) -> PreparedDataset:
    return replace(params().datasets[DATA].load(Path()), limit=limit)


def digest(task: Task) -> str:
    """Of all that params.yaml says of the training, its data and its evaluation; not of the code."""
    parts = (settings(task), params().datasets[DATA], params().runtime, params().evaluate, params().classifier)
    whole = [part.model_dump(mode="json") for part in parts]
    return hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()[:12]


def work(task: Task, classifier: Path, commit: str) -> dict[str, Any]:
    """One training and its metrics, at a commit."""
    limit, row, seed, _ = task
    data, variant, runtime = digits(limit), settings(task), resolve_runtime(params().runtime)
    configure(runtime)
    architecture = params().classifier.of(params().datasets[DATA]).model_dump(mode="json")
    spec = {"data": DATA, "classifier": architecture}
    spec |= {"params": params().evaluate.model_dump(mode="json"), "runtime": runtime.model_dump(mode="json")}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        outcome = train(
            TrainingArguments(f"{row}/{seed}{f', {limit} images' * bool(limit)}", variant, runtime, data, seed, folder)
        )
        real = open_reference(spec, data, folder / "stats", stored=False, classifier=classifier)
        samples = {"raw": np.load(folder / "samples.npy"), "ema": np.load(folder / "samples_ema.npy")}
        found = {weights: real.measure(array, max_generated(real)) for weights, array in samples.items()}
        with (folder / "history.csv").open(encoding="utf-8") as file:
            *_, last = csv.DictReader(file)
    values = {f"{metric}.{weights}": found[weights].value(metric) for metric, weights, _ in COLUMNS.values()}
    status = outcome.status.kind if outcome.status else None
    line = {"task": list(task), "digest": digest(task), "title": variant.title, "steps": variant.steps}
    line["commit"] = commit
    return line | {"status": status, "p": last.get("augmentation_p"), **values}


def trained(tasks: Sequence[Task], folder: Path, jobs: int) -> dict[Task, dict[str, Any]]:
    """The results kept in the folder, of params.yaml and variants as they are, and those of these tasks."""
    folder.mkdir(parents=True, exist_ok=True)
    architecture = params().classifier.of(params().datasets[DATA])
    name = hashlib.sha256(architecture.model_dump_json().encode()).hexdigest()[:12]
    file, classifier = folder / "results.jsonl", folder / f"classifier-{name}"
    commit = describe()
    configure(resolve_runtime(params().runtime))
    if not (classifier / "classifier.safetensors").exists():
        fit(digits(), architecture, torch.device("cpu"), classifier)
    done = {tuple(line["task"]): line for line in kept.read(file) if line["digest"] == digest(tuple(line["task"]))}
    calls = [(task, classifier, commit) for task in tasks if task not in done]
    return done | {tuple(line["task"]): line for line in kept.measure(work, calls, jobs, file)}


def table(lines: list[dict[str, Any]]) -> str:
    """Markdown: a line for each limit and variant."""
    rows: dict[tuple[int, str], list[dict[str, Any]]] = {}
    for line in sorted(lines, key=lambda one: (one["task"][0], ROWS.index(one["task"][1]), one["task"][2])):
        rows.setdefault((line["task"][0], line["task"][1]), []).append(line)
    out = [f"| images | variant | steps | seeds | {' | '.join(COLUMNS)} | last p of ADA |"]
    out.append(f"| ---: | --- |{' ---: |' * (3 + len(COLUMNS))}")
    for (limit, row), seeds in rows.items():
        cells = [cell([one[f"{key}.{of}"] for one in seeds], decimals) for key, of, decimals in COLUMNS.values()]
        p = cell([float(one["p"]) for one in seeds], 2) if all(one["p"] for one in seeds) else ""
        name = f"[{seeds[0]['title']}](../variants/{row}.yaml)"
        out.append(f"| {limit} | {name} | {seeds[0]['steps']} | {len(seeds)} | {' | '.join(cells)} | {p} |")
    return "\n".join(out)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="*", default=ROWS)
    parser.add_argument("--limits", type=int, nargs="+", default=[100, 300, 1000])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--folder", type=Path, default=SOURCE / ".cache/few_images")
    parser.add_argument("--page", action="store_true")
    given = parser.parse_args()
    for row in given.rows:
        if row not in ROWS:
            parser.error(f"{row} is none of {', '.join(ROWS)}")
    tasks = [(n, row, seed, given.steps) for seed in range(given.seeds) for n in given.limits for row in given.rows]
    done = trained(tasks, given.folder, given.jobs)
    shown = [line for task, line in done.items() if task[3] == given.steps]
    commits, ill = sorted({line["commit"] for line in shown}), sum(line["status"] is not None for line in shown)
    content = (
        f"{table(shown)}\n\nMean ± half of the 95 % interval over seeds; {ill} trainings have a status. "
        f"Commit {', '.join(commits)}, {machine()}."
    )
    print(content)
    if given.page:
        kept.write_section(SOURCE / "docs/results.md", START, END, content)


if __name__ == "__main__":
    main()
