"""Train one configuration of a variant and measure it on the validation split."""

from __future__ import annotations

import sys

from ganpipe.evaluation.experiments import evaluate_seeds, keep_small, train_seeds
from ganpipe.pipeline.stage import run
from ganpipe.utils.io import write_json
from stages.tune import SPECS, TUNE, read


def main() -> None:
    data, variant, draw = sys.argv[1:]
    path = f"draws/{variant}/{draw}.json"
    spec, source, out = read(data, path), TUNE / "data" / data / "search", TUNE / "draws" / data / variant / draw
    name = f"{data}-{variant}-{draw}"
    trained = train_seeds("tune", name, spec, spec["seeds"], source, out, (SPECS / data / path).read_bytes())
    result = evaluate_seeds(spec, trained, variant, source, out)
    # what a winner is made of
    write_json(out / "draw.json", {key: spec[key] for key in ("numbers", "parameters", "pretrain")})
    keep_small(out / str(spec["seeds"][0]))
    main_metric = next(one for one in result["metrics"].values() if one["in_main_table"])
    print(f"draw {draw} of {variant}: {main_metric['label']} {main_metric['raw'][0]}, {spec['numbers']}")


if __name__ == "__main__":
    run(main)
