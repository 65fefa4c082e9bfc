"""Train one variant with one seed."""

from __future__ import annotations

import hashlib
import platform
import sys
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from ganpipe import __version__
from ganpipe.config.overlay import FOLDER, merged, read_variant, read_yaml
from ganpipe.pipeline.stage import SPECS, Clock, read_spec, run
from ganpipe.tracking.launch import tracked
from ganpipe.utils.console import say
from ganpipe.utils.errors import ResourceError, UserError, out_of_memory
from ganpipe.utils.io import digest, write_json

if TYPE_CHECKING:
    from ganpipe.config.variant import Runtime, Variant
    from ganpipe.training.loop import TrainingArguments


def main() -> None:
    name, seed = sys.argv[1], int(sys.argv[2])
    spec_path = SPECS / "train" / f"{name}.json"
    spec = read_spec(f"train/{name}.json")
    out = Path("runs", spec["data"], name, str(seed))
    clock = Clock(Path("timings", spec["data"], "train", name, f"{seed}.json"))
    facts = {
        "variant": name,
        "title": spec["parameters"]["title"],
        "data": spec["data"],
        "seed": seed,
        "not_applicable": spec["not_applicable"],
        "parameters": spec["parameters"],
        "spec_digest": hashlib.sha256(spec_path.read_bytes()).hexdigest(),
    }
    if spec["not_applicable"]:
        write_json(out / "run.json", facts)
        return clock.write()
    from ganpipe.config.variant import Runtime, Variant
    from ganpipe.training.loop import TrainingArguments

    variant, runtime = Variant.model_validate(spec["parameters"]), Runtime.model_validate(spec["runtime"])
    if not _up_to_date(spec, variant, runtime):
        raise UserError(f"{spec_path} is older than params.yaml or variants/: run `dvc repro resolve` first.")
    from ganpipe import prepared
    from ganpipe.training import devices
    from ganpipe.training.checkpoint_dir import prune_checkpoints
    from ganpipe.training.run_dir import locked_run_dir

    data, meta = prepared.read(Path("data/prepared", spec["data"]))
    pretrained = Path("pretrained", spec["data"], name, variant.pretrained_file) if variant.pretrained_file else None
    number = devices.num_devices(variant, runtime)
    if devices.is_helper():
        from ganpipe.training.loop import configure, train

        configure(runtime)
        with TemporaryDirectory() as folder, devices.processes(number, runtime.device):
            train(TrainingArguments(f"{name}/{seed}", variant, runtime, data, seed, Path(folder), pretrained))
        return None
    prune_checkpoints("pretrain", f"{spec['data']}-{name}")
    depends_on = [spec_path, meta["digest"].encode(), pretrained or b""]
    with locked_run_dir("train", f"{spec['data']}-{name}-{seed}", out, depends_on) as checkpoint:
        live = Path("live", f"{name}.csv")
        arguments = TrainingArguments(f"{name}/{seed}", variant, runtime, data, seed, out, pretrained, live, checkpoint)
        made_from = {"dataset_digest": meta["digest"], "pretrained_digest": digest(pretrained) if pretrained else None}
        clocks = _train(arguments, facts | made_from, number)
    return clock.write(**clocks)


def _train(arguments: TrainingArguments, facts: dict[str, Any], number: int) -> dict[str, float]:
    import torch

    from ganpipe.training.devices import processes
    from ganpipe.training.loop import configure, train
    from ganpipe.training.memory import oom_hint

    runtime, data = arguments.runtime, arguments.data
    configure(runtime)
    with tracked(arguments.out, facts) as record:
        try:
            with processes(number, runtime.device):
                outcome = train(arguments)
        except (RuntimeError, MemoryError) as error:
            if not out_of_memory(error):
                raise
            what = oom_hint(arguments.variant, facts["variant"], facts["data"])
            raise ResourceError(f"{arguments.name} ran out of memory on {runtime.device} with {what}.") from None
        versions = {"ganpipe": __version__, "torch": torch.__version__, "python": platform.python_version()}
        device = torch.cuda.get_device_name() if runtime.device == "cuda" else runtime.device
        more = {
            "status": asdict(outcome.status) if outcome.status else None,
            "runtime": runtime.model_dump(mode="json"),
            "device": device,
            "num_devices": number,
            "evaluations_per_sample": arguments.variant.evaluations_per_sample,
            "versions": versions,
            "sample": {"form": data.form, "shape": list(data.shape), "scale": data.scale},
        }
        write_json(arguments.out / "run.json", facts | more)
        record.seconds = outcome.clocks["training_seconds"]
    if outcome.status:
        say(f"{arguments.name}: {outcome.status.kind}, as {outcome.status.reason}\n", "stdout")
    return outcome.clocks


def _up_to_date(spec: dict[str, Any], variant: Variant, runtime: Runtime) -> bool:
    """Whether params.yaml and the variant's file still hold what the spec holds, and nothing illegal."""
    params = read_yaml(Path("params.yaml"))
    try:
        settings = read_variant(Path(FOLDER), spec["variant"])
        now = merged(params["train"], settings, spec["form"], spec["data"])
        same = type(variant).model_validate(now) == variant and params["data"]["kind"] == spec["data"]
        resolved = {k: getattr(runtime, k) if value == "auto" else value for k, value in params["runtime"].items()}
        return same and bool(type(runtime).model_validate(resolved) == runtime)
    except (ValidationError, LookupError, TypeError, AttributeError):
        return False


if __name__ == "__main__":
    run(main)
