"""The real side of every comparison: features of real images, and the floor and ceiling of each figure."""

from __future__ import annotations

from pathlib import Path

from ganpipe import prepared
from ganpipe.evaluation import stored
from ganpipe.evaluation.parameters import EvaluateParams
from ganpipe.measuring import networks
from ganpipe.stage import Clock, read_spec, run
from ganpipe.training.checkpoint_dir import prune_checkpoints


def main() -> None:
    spec = read_spec("reference.json")
    name = spec["data"]
    clock, folder = Clock(Path("clocks", name, "reference.json")), Path("references", name)
    data, _ = prepared.read(Path("data/prepared", name))
    params = EvaluateParams.model_validate(spec["params"])
    real = stored.compute(data, params, *networks(spec, data), folder)
    prune_checkpoints("classifier", name)
    stored.write_bounds(real, spec["counts"], spec["moment_counts"], folder)
    print(f"{name}: {len(real.figures)} figures against {len(real.real)} real samples")
    return clock.write()


if __name__ == "__main__":
    run(main)
