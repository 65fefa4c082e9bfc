"""A data set of the lecture's experiments, with what their evaluations compare with."""

from __future__ import annotations

import json
import sys

import torch

from ganpipe import prepared
from ganpipe.config.classifier import ClassifierParams
from ganpipe.config.variant import Runtime
from ganpipe.data import Dataset, data_root
from ganpipe.evaluation import baselines
from ganpipe.evaluation.setup import open_reference
from ganpipe.parts import part_class
from ganpipe.pipeline.stage import run
from ganpipe.training.classifier import fit
from ganpipe.training.grids import draw_real, save_png
from ganpipe.training.loop import configure
from ganpipe.training.run_dir import locked_run_dir
from stages.lecture import LECTURE, read


def main() -> None:
    name = sys.argv[1]
    spec = read(f"data/{name}.json")
    dataset = part_class("ganpipe.data", spec["dataset"]["kind"]).model_validate(spec["dataset"])
    assert isinstance(dataset, Dataset)
    out, runtime = LECTURE / "data" / name, Runtime.model_validate(spec["runtime"])
    configure(runtime)
    data = dataset.load(data_root(LECTURE.parent))
    prepared.write(out / "prepared", name, data)
    if data.form == "images":
        depends_on = [json.dumps(spec, sort_keys=True).encode()]
        with locked_run_dir("lecture-classifier", name, out / "classifier", depends_on) as checkpoint:
            params = ClassifierParams.model_validate(spec["classifier"])
            fit(data, params, torch.device(runtime.device), out / "classifier", checkpoint)
    real = open_reference(spec, data, out / "reference_stats", stored=False, classifier=out / "classifier")
    baselines.write(real, spec["counts"], spec["snapshot_counts"], out / "reference_stats")
    save_png(draw_real(data), out / "real.png")
    print(f"{name}: {len(data.train)} training and {len(data.test)} test {data.form}")


if __name__ == "__main__":
    run(main)
