"""Train the feature network for the evaluation of images."""

from __future__ import annotations

import json
from pathlib import Path

from ganpipe.pipeline.stage import Clock, read_spec, run
from ganpipe.utils.io import write_json


def main() -> None:
    spec = read_spec("classifier.json")
    clock = Clock(Path("timings", spec["data"], "classifier.json"))
    out = Path("classifiers", spec["data"])
    if spec["not_applicable"]:
        write_json(out / "classifier.json", {"not_applicable": spec["not_applicable"]})
        return clock.write()
    import torch

    from ganpipe import prepared
    from ganpipe.config.classifier import ClassifierParams
    from ganpipe.config.variant import Runtime
    from ganpipe.training.classifier import fit
    from ganpipe.training.loop import configure
    from ganpipe.training.run_dir import locked_run_dir

    runtime = Runtime.model_validate(spec["runtime"])
    configure(runtime)
    data, meta = prepared.read(Path("data/prepared", spec["data"]))
    if data.classes < 2:
        write_json(out / "classifier.json", {"not_applicable": f"{spec['data']} has no classes to tell apart"})
        return clock.write()
    depends_on = [json.dumps(spec, sort_keys=True).encode(), meta["digest"].encode()]
    with locked_run_dir("classifier", spec["data"], out, depends_on) as checkpoint:
        params, device = ClassifierParams.model_validate(spec["params"]), torch.device(runtime.device)
        result = fit(data, params, device, out, checkpoint)
        write_json(out / "classifier.json", {"not_applicable": None, **result})
    print(f"classifier: {100 * result['accuracy']:.2f} % of {result['test']} test images")
    return clock.write()


if __name__ == "__main__":
    run(main)
