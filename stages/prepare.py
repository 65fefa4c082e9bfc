"""Generate or read the chosen data set and write it in the format of `ganpipe.prepared`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ganpipe import prepared
from ganpipe.data import Dataset, data_root, with_entry_name
from ganpipe.parts import part_class
from ganpipe.pipeline.stage import read_spec, run
from ganpipe.utils.errors import UserError


def main() -> None:
    spec = read_spec("data.json")
    dataset = part_class("ganpipe.data", spec["dataset"]["kind"]).model_validate(spec["dataset"])
    assert isinstance(dataset, Dataset)
    try:
        data = dataset.load(data_root(Path()))
    except UserError as error:
        raise UserError(with_entry_name(str(error), dataset.kind, spec["data"])) from None
    except MemoryError as error:
        reason = str(error) or "out of memory"
        raise UserError(
            f"datasets.{spec['data']} does not fit into this machine's memory ({reason}): make it smaller."
        ) from None
    if (limit := spec["limit"]) is not None and limit > len(data.train):
        raise UserError(
            f"data.limit is {limit}, and {spec['data']} has {len(data.train)} training {data.form}: use at most "
            f"{len(data.train)}, or null for all of them."
        )
    data = replace(data, limit=limit)
    prepared.write(Path("data/prepared", spec["data"]), spec["data"], data)
    print(f"{spec['data']}: {len(data.train)} training and {len(data.test)} test {data.form} of shape {data.shape}")
    if limit is not None:
        print(f"trained on: {limit}")


if __name__ == "__main__":
    run(main)
