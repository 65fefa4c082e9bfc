"""Generate or read the chosen data set and write it in the format of `ganpipe.prepared`."""

from __future__ import annotations

from pathlib import Path

from ganpipe import prepared
from ganpipe.data import Dataset, data_root, load_dataset
from ganpipe.parts import part_class
from ganpipe.pipeline.stage import read_spec, run


def main() -> None:
    spec = read_spec("data.json")
    dataset = part_class("ganpipe.data", spec["dataset"]["kind"]).model_validate(spec["dataset"])
    assert isinstance(dataset, Dataset)
    limit = spec["limit"]
    data = load_dataset(dataset, spec["data"], limit, data_root(Path()))
    prepared.write(Path("data/prepared", spec["data"]), spec["data"], data)
    print(f"{spec['data']}: {len(data.train)} training and {len(data.test)} test {data.form} of shape {data.shape}")
    if limit is not None:
        print(f"trained on: {limit}")


if __name__ == "__main__":
    run(main)
