"""A data set of the lecture's experiments, with what their evaluations compare with."""

from __future__ import annotations

import sys

from ganpipe.data import Dataset, data_root
from ganpipe.evaluation.experiments import prepare
from ganpipe.parts import part_class
from ganpipe.pipeline.stage import run
from ganpipe.training.grids import draw_real, save_png
from stages.lecture import LECTURE, read


def main() -> None:
    name = sys.argv[1]
    spec = read(f"data/{name}.json")
    dataset = part_class("ganpipe.data", spec["dataset"]["kind"]).model_validate(spec["dataset"])
    assert isinstance(dataset, Dataset)
    data, out = dataset.load(data_root(LECTURE.parent)), LECTURE / "data" / name
    prepare("lecture", spec, data, out)
    save_png(draw_real(data), out / "real.png")
    print(f"{name}: {len(data.train)} training and {len(data.test)} test {data.form}")


if __name__ == "__main__":
    run(main)
