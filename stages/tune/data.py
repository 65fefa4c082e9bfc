"""A data set with its validation split, on which draws are compared, and as it is, for the winners."""

from __future__ import annotations

import sys

from ganpipe.data import Dataset, data_root, limited, load_dataset
from ganpipe.evaluation.experiments import prepare, validation_split
from ganpipe.parts import part_class
from ganpipe.pipeline.stage import run
from stages.tune import TUNE, read


def main() -> None:
    name = sys.argv[1]
    spec = read(name, "data.json")
    dataset = part_class("ganpipe.data", spec["dataset"]["kind"]).model_validate(spec["dataset"])
    assert isinstance(dataset, Dataset)
    whole = load_dataset(dataset, name, spec["limit"], data_root(TUNE.parent))
    search = limited(validation_split(whole, spec["validation"], spec["seed"]), f"the search on {name}", spec["limit"])
    for of, data in (("search", search), ("whole", whole)):
        prepare(f"tune-{of}", spec, data, TUNE / "data" / name / of)
    print(f"{name}: {len(search.train)} to train on, {len(search.test)} to choose on, {len(whole.test)} to test")


if __name__ == "__main__":
    run(main)
