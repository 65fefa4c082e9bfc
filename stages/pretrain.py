"""Train what a variant starts from: its critic as an autoencoder, or the GAN that makes its conditions."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path

from ganpipe.pipeline.stage import Clock, read_spec, run
from ganpipe.utils.io import write_json


def main() -> None:
    variant = sys.argv[1]
    spec = read_spec(f"pretrain/{variant}.json")
    clock = Clock(Path("timings", spec["data"], "pretrain", f"{variant}.json"))
    out = Path("pretrained", spec["data"], variant)
    if spec["not_applicable"]:
        write_json(out / "pretrain.json", {"not_applicable": spec["not_applicable"]})
        return clock.write()
    from ganpipe import prepared
    from ganpipe.config.variant import Runtime
    from ganpipe.training.loop import configure
    from ganpipe.training.run_dir import locked_run_dir

    training = importlib.import_module(f"ganpipe.training.{spec['module']}")
    runtime = Runtime.model_validate(spec["runtime"])
    configure(runtime)
    data, meta = prepared.read(Path("data/prepared", spec["data"]))
    depends_on = [json.dumps(spec, sort_keys=True).encode(), meta["digest"].encode()]
    with locked_run_dir("pretrain", f"{spec['data']}-{variant}", out, depends_on) as checkpoint:
        result = training.run(
            f"pretrain {variant}", training.Params.model_validate(spec["params"]), runtime, data, out, checkpoint
        )
        write_json(out / "pretrain.json", {"not_applicable": None, **result})
    return clock.write()


if __name__ == "__main__":
    run(main)
