"""Train one experiment of the lecture with all its seeds and measure it."""

from __future__ import annotations

import sys

from ganpipe import prepared
from ganpipe.config.variant import Variant
from ganpipe.evaluation.experiments import evaluate_seeds, keep_small, train_seeds
from ganpipe.lecture.measure import measure
from ganpipe.pipeline.stage import run
from ganpipe.utils.io import write_json
from stages.lecture import LECTURE, SPECS, read


def main() -> None:
    data, name = sys.argv[1], sys.argv[2]
    path = f"experiments/{data}/{name}.json"
    spec, source, out = read(path), LECTURE / "data" / data, LECTURE / "experiments" / data / name
    trained = train_seeds("lecture", f"{data}-{name}", spec, spec["seeds"], source, out, (SPECS / path).read_bytes())
    result = evaluate_seeds(spec, trained, name, source, out)
    folders = [out / str(seed) for seed in spec["seeds"]]
    samples, _ = prepared.read(source / "prepared")
    write_json(out / "values.json", measure(result, folders, samples, Variant.model_validate(spec["parameters"])))
    for folder in folders:
        keep_small(folder)


if __name__ == "__main__":
    run(main)
