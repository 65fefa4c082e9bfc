"""Evaluate one variant over all its seeds, from the samples that its trainings wrote."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from ganpipe import prepared
from ganpipe.evaluation import baselines
from ganpipe.evaluation.evaluate import evaluate, not_applicable, read_trained
from ganpipe.evaluation.progress import PROGRESS
from ganpipe.evaluation.setup import open_reference
from ganpipe.pipeline.stage import Clock, read_spec, run
from ganpipe.tracking.launch import evaluated
from ganpipe.training.checkpoint_dir import prune_checkpoints
from ganpipe.utils.io import write_json


def main() -> None:
    variant = sys.argv[1]
    spec = read_spec("evaluate.json")
    name, seeds = spec["data"], spec["seeds"]
    clock = Clock(Path("timings", name, "evaluate", f"{variant}.json"))
    folders = {seed: Path("runs", name, variant, str(seed)) for seed in seeds}
    runs = {seed: json.loads((folder / "run.json").read_text(encoding="utf-8")) for seed, folder in folders.items()}
    first = runs[seeds[0]]
    facts = {"variant": variant, "title": first["title"], "data": name}
    if first["not_applicable"]:
        result = not_applicable(**facts, reason=first["not_applicable"], seeds=seeds)
    else:
        folder = Path("reference_stats", name)
        data, _ = prepared.read(Path("data/prepared", name))
        real = open_reference(spec, data, folder, stored=True)
        all_baselines, quick = baselines.read(folder)
        trained = {seed: read_trained(folders[seed], runs[seed]["status"]) for seed in seeds}
        with PROGRESS.lines(f"evaluate {name}/{variant}"):
            result = evaluate(real, trained, **facts, all_baselines=all_baselines, quick_baselines=quick)
    path = Path("evals", name, f"{variant}.json")
    write_json(path, result)
    for seed in seeds:
        prune_checkpoints("train", f"{name}-{variant}-{seed}")
    clock.write()
    return evaluated(path)


if __name__ == "__main__":
    run(main)
