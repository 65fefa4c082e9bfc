"""Train one row with one seed."""

from __future__ import annotations

import hashlib
import os
import platform
import sys
from pathlib import Path
from typing import Any

from ganpipe import __version__
from ganpipe.errors import BadInput
from ganpipe.rows import merged, read_yaml
from ganpipe.stage import SPECS, Clock, read_spec, run, write_json
from ganpipe.tracking.identity import identity
from ganpipe.tracking.launch import start_follower


def main() -> None:
    row, seed = sys.argv[1], int(sys.argv[2])
    spec_path = SPECS / "train" / f"{row}.json"
    spec = read_spec(f"train/{row}.json")
    out = Path("runs", spec["data"], row, str(seed))
    clock = Clock(Path("clocks", spec["data"], "train", row, f"{seed}.json"))
    facts = {
        "row": row,
        "title": spec["variant"]["title"],
        "data": spec["data"],
        "seed": seed,
        "not_applicable": spec["not_applicable"],
        "parameters": spec["variant"],
        "identity": identity(spec_path.read_bytes(), seed),
        "spec_digest": hashlib.sha256(spec_path.read_bytes()).hexdigest(),
    }
    if spec["not_applicable"]:
        write_json(out / "run.json", facts)
        return clock.write()
    out.mkdir(parents=True, exist_ok=True)
    (out / "run.json").unlink(missing_ok=True)  # DVC emptied the folder; without DVC an old result must not stand
    # the follower logs to MLflow; the training neither imports it nor waits for it
    start_follower(out, spec_path, seed, Path(os.environ.get("DVC_ROOT", ".")))
    return _train(spec, seed, out, facts, clock)


def _train(spec: dict[str, Any], seed: int, out: Path, facts: dict[str, Any], clock: Clock) -> None:
    import torch

    from ganpipe import prepared
    from ganpipe.training.loop import Job, configure, train
    from ganpipe.variant import Runtime, Variant

    row, name = spec["row"], spec["data"]
    variant, runtime = Variant.model_validate(spec["variant"]), Runtime.model_validate(spec["runtime"])
    params = read_yaml(Path("params.yaml"))
    now = merged(params["train"], params["variants"][row], spec["form"], name)
    if params["data"]["kind"] != name or Variant.model_validate(now) != variant:
        raise BadInput(f"{SPECS}/train/{row}.json is older than params.yaml: run `dvc repro resolve` first.")
    configure(runtime)
    data, meta = prepared.read(Path("data/prepared", name))
    pretrained = Path("pretrained", name, row, "critic.safetensors") if variant.pretrain.steps else None
    clocks = train(Job(f"{row}/{seed}", variant, runtime, data, seed, out, pretrained))
    versions = {"ganpipe": __version__, "torch": torch.__version__, "python": platform.python_version()}
    device = torch.cuda.get_device_name() if runtime.device == "cuda" else runtime.device
    more = {
        "runtime": spec["runtime"],
        "device": device,
        "versions": versions,
        "dataset_digest": meta["digest"],
        "sample": {"form": data.form, "shape": list(data.shape), "scale": data.scale},
    }
    write_json(out / "run.json", facts | more)
    clock.write(**clocks)


if __name__ == "__main__":
    run(main)
