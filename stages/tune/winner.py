"""Train the best configuration of a variant anew, with seeds of its own on the whole training split."""

from __future__ import annotations

import json
import sys

from ganpipe.evaluation.experiments import evaluate_seeds, keep_small, train_seeds
from ganpipe.pipeline.stage import run
from ganpipe.tuning.draws import best, read_draw
from ganpipe.utils.io import write_json
from stages.tune import TUNE, read


def main() -> None:
    data, variant = sys.argv[1:]
    spec = read(data, f"winners/{variant}.json")
    folder, out = TUNE / "draws" / data / variant, TUNE / "winners" / data / variant
    draw = best([read_draw(folder / str(draw), draw) for draw in spec["draws"]]).draw
    spec |= json.loads((folder / str(draw) / "draw.json").read_text(encoding="utf-8"))
    source, digest = TUNE / "data" / data / "whole", json.dumps(spec, sort_keys=True).encode()
    trained = train_seeds("tune-winner", f"{data}-{variant}", spec, spec["seeds"], source, out, digest)
    evaluate_seeds(spec, trained, variant, source, out)
    write_json(out / "winner.json", {"draw": draw, "numbers": spec["numbers"]})
    for seed in spec["seeds"]:
        keep_small(out / str(seed))


if __name__ == "__main__":
    run(main)
