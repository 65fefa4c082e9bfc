"""The real side of every comparison: features of real images, and the baselines of each metric."""

from __future__ import annotations

from pathlib import Path

from ganpipe import prepared
from ganpipe.evaluation import baselines
from ganpipe.evaluation.progress import PROGRESS
from ganpipe.evaluation.setup import open_reference
from ganpipe.pipeline.stage import Clock, read_spec, run
from ganpipe.training.checkpoint_dir import prune_checkpoints
from ganpipe.training.grids import draw_real, save_png


def main() -> None:
    spec = read_spec("reference_stats.json")
    name = spec["data"]
    clock, folder = Clock(Path("timings", name, "reference_stats.json")), Path("reference_stats", name)
    data, _ = prepared.read(Path("data/prepared", name))
    with PROGRESS.lines(f"reference_stats {name}"):
        real = open_reference(spec, data, folder, stored=False)
        prune_checkpoints("classifier", name)
        save_png(draw_real(data), folder / "real.png")
        baselines.write(real, spec["counts"], spec["snapshot_counts"], folder)
    print(f"{name}: {len(real.specs)} metrics against {len(real.real)} real samples")
    return clock.write()


if __name__ == "__main__":
    run(main)
