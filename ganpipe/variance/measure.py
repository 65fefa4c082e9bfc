"""`ganpipe variance`: one variant trained with one source of chance varied, then all of them together."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from ganpipe import prepared
from ganpipe.config.configuration import Configuration
from ganpipe.config.variant import Runtime, Variant
from ganpipe.evaluation import baselines
from ganpipe.evaluation.baselines import Baseline, max_generated
from ganpipe.evaluation.setup import open_reference
from ganpipe.pipeline.stage import read_spec
from ganpipe.training.loop import TrainingArguments, configure, train
from ganpipe.training.model import load
from ganpipe.utils.errors import UserError
from ganpipe.utils.io import write_json
from ganpipe.utils.rng import Seeds

KEPT = Path(".cache/variance")
TRAINED = ("initialisation", "order", "noise")
"""Sources that need a training each time; `samples` are drawn of one training."""
EVERYTHING = "everything"
ALONE = 10_000
"""Added to the seed of a source that varies alone, which then shares no random numbers with where everything does."""
Task = tuple[str, str, int]  # variant, source, run from 1 on


@dataclass(frozen=True)
class Measured:
    """values: of the main metric by source, one a run, of the last weights. lost: trainings without a finite value, by
    source. baseline: of real data and of noise."""

    variant: str
    title: str
    data: str
    label: str
    baseline: Baseline
    values: Mapping[str, Sequence[float]]
    lost: Mapping[str, int]


def measure(c: Configuration, variant: str, runs: int, jobs: int) -> Measured:
    """Train what is not kept in KEPT, `runs` times for each source. Runs DVC for what evaluations compare with.

    Raises UserError where the variant is not known, makes no sense on the data, or lost too many trainings.
    """
    data = c.data.kind
    if variant not in c.variants:
        raise UserError(f"{variant!r} is no variant of params.yaml: known: {', '.join(c.variants)}.")
    stages = ["stages/dvc.yaml:reference_stats", f"stages/dvc.yaml:pretrain@{variant}"]
    command = [sys.executable, "-m", "dvc", "--wait-for-lock", "repro", *stages]
    if subprocess.run(command, stdin=subprocess.DEVNULL, check=False).returncode:
        raise UserError(f"`dvc repro {' '.join(stages)}` failed, for the reason above: mend that and try again.")
    spec = read_spec(f"train/{variant}.json")
    if spec["not_applicable"]:
        raise UserError(f"{variant} makes no sense on {data}: {spec['not_applicable']}.")
    kept, found = KEPT / f"{data}-{variant}-{_digest(variant)}.json", dict[str, float | None]()
    if kept.is_file():
        found = json.loads(kept.read_text(encoding="utf-8"))
    tasks = [(variant, source, run) for run in range(1, runs + 1) for source in (*TRAINED, EVERYTHING)]
    todo = [task for task in tasks if f"{task[1]} {task[2]}" not in found]
    missing_draws = max((run for run in range(1, runs + 1) if f"samples {run}" not in found), default=0)
    todo += [(variant, "samples", missing_draws)] if missing_draws else []
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        try:
            for done, future in enumerate(as_completed([pool.submit(work, task) for task in todo]), 1):
                found |= future.result()
                write_json(kept, found)
                print(f"{done} of {len(todo)} trainings", flush=True)
        except BaseException:  # Ctrl-C, too: what has not begun is not wanted
            pool.shutdown(cancel_futures=True)
            raise
    return _measured(variant, spec, found, runs)


def _measured(variant: str, spec: dict[str, Any], found: Mapping[str, float | None], runs: int) -> Measured:
    values, lost = dict[str, list[float]](), dict[str, int]()
    for source in (*TRAINED, "samples", EVERYTHING):
        given = [found[f"{source} {run}"] for run in range(1, runs + 1)]
        values[source] = [value for value in given if value is not None]
        lost[source] = len(given) - len(values[source])
        if len(values[source]) < 2 or (source == EVERYTHING and len(set(values[source])) == 1):
            raise UserError(
                f"{variant} has fewer than two different finite results where {source} varies: use another."
            )
    _, label, baseline = _main()
    return Measured(variant, spec["parameters"]["title"], spec["data"], label, baseline, values, lost)


def _digest(variant: str) -> str:
    """Of all that the values depend on: the specs, with the code, and the data."""
    names = (f"train/{variant}.json", f"pretrain/{variant}.json", "evaluate.json")
    texts = [Path("data/specs", name).read_bytes() for name in names]
    meta = Path("data/prepared", read_spec("evaluate.json")["data"], "meta.json").read_bytes()
    return hashlib.sha256(b"".join([*texts, meta])).hexdigest()[:12]


@cache
def _reference() -> Any:
    spec = read_spec("evaluate.json")
    data, _ = prepared.read(Path("data/prepared", spec["data"]))
    return open_reference(spec, data, Path("reference_stats", spec["data"]), stored=True)


def _main() -> tuple[str, str, Baseline]:
    """The main metric: name, label, baselines."""
    real = _reference()
    spec = next(spec for _, spec in real.specs.values() if spec.in_main_table)
    known, _ = baselines.read(Path("reference_stats", read_spec("evaluate.json")["data"]))
    return spec.name, spec.label, known[max(known)][spec.name]


def work(task: Task) -> dict[str, float | None]:
    """The main metric of one training, by "<source> <run>"; of `samples` that of all runs up to this one."""
    variant_name, source, run = task
    spec = read_spec(f"train/{variant_name}.json")
    variant, runtime = Variant.model_validate(spec["parameters"]), Runtime.model_validate(spec["runtime"])
    configure(runtime)
    data, _ = prepared.read(Path("data/prepared", spec["data"]))
    pretrained = (
        Path("pretrained", spec["data"], variant_name, variant.pretrained_file) if variant.pretrained_file else None
    )
    alone = {source: ALONE + run} if source in TRAINED else {}
    seeds = Seeds(run) if source == EVERYTHING else Seeds(0, **alone)
    real = _reference()
    name, count = _main()[0], min(max_generated(real), variant.num_samples)
    with tempfile.TemporaryDirectory(prefix="ganpipe-variance-") as folder:
        outcome = train(TrainingArguments(f"{source} {run}", variant, runtime, data, seeds, Path(folder), pretrained))
        if source == "samples":
            model = load(Path(folder, "generator.safetensors"))
            drawn = {f"samples {i}": model.sample(variant.num_samples, seed=ALONE + i) for i in range(1, run + 1)}
        else:
            drawn = {f"{source} {run}": np.load(Path(folder, "samples.npy"))}
    if outcome.status and outcome.status.kind == "not_finite":  # as pixels its samples would be black
        return dict.fromkeys(drawn)
    configure(runtime.model_copy(update={"precision": "float32"}))
    return {key: real.measure(samples, count, True).value(name) for key, samples in drawn.items()}
