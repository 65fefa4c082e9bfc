"""Evaluate one row over all its seeds, from the samples that its trainings wrote."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganpipe import evaluation, prepared
from ganpipe.stage import Clock, read_spec, run, write_json


def main() -> None:
    row = sys.argv[1]
    spec = read_spec("evaluate.json")
    name, seeds = spec["data"], spec["seeds"]
    clock = Clock(Path("clocks", name, "evaluate", f"{row}.json"))
    folders = {seed: Path("runs", name, row, str(seed)) for seed in seeds}
    run_facts = json.loads((folders[seeds[0]] / "run.json").read_text(encoding="utf-8"))
    facts = {"row": row, "title": run_facts["title"], "data": name}
    if run_facts["not_applicable"]:
        result = evaluation.not_applicable(**facts, reason=run_facts["not_applicable"], seeds=seeds)
    else:
        params = evaluation.EvaluateParams.model_validate(spec["params"])
        data, _ = prepared.read(Path("data/prepared", name))
        features = _features(spec, data) if data.form == "images" else None
        samples = {seed: evaluation.Samples(*_samples(folder)) for seed, folder in folders.items()}
        result = evaluation.evaluate(evaluation.reference(data, params, features), samples, **facts)
    write_json(Path("evals", name, f"{row}.json"), result)
    return clock.write()


def _samples(folder: Path) -> list[NDArray[Any]]:
    return [np.load(folder / f"samples{which}.npy", allow_pickle=False) for which in ("", "_ema")]


def _features(spec: dict[str, Any], data: prepared.Prepared) -> evaluation.Features:
    import torch

    from ganpipe.training import classifier
    from ganpipe.training.loop import configure
    from ganpipe.variant import Runtime

    runtime = Runtime.model_validate(spec["runtime"])
    configure(runtime)
    architecture = classifier.ClassifierParams.model_validate(spec["classifier"])
    return classifier.load(Path("classifiers", spec["data"]), architecture, data, torch.device(runtime.device))


if __name__ == "__main__":
    run(main)
