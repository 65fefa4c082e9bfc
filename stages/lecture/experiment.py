"""Train one experiment of the lecture with all its seeds and measure it."""

from __future__ import annotations

import importlib
import shutil
import sys
from dataclasses import asdict
from pathlib import Path

from ganpipe import prepared
from ganpipe.config.variant import Runtime, Variant
from ganpipe.evaluation import baselines
from ganpipe.evaluation.evaluate import Trained, evaluate, read_trained
from ganpipe.evaluation.setup import open_reference
from ganpipe.lecture.measure import measure
from ganpipe.pipeline.stage import run
from ganpipe.training.loop import TrainingArguments, configure, train
from ganpipe.training.run_dir import locked_run_dir
from ganpipe.utils.io import write_json
from stages.lecture import LECTURE, SPECS, read


def main() -> None:
    name, of = sys.argv[1], sys.argv[2]
    spec = read(f"experiments/{name}/{of}.json")
    digest = (SPECS / "experiments" / name / f"{of}.json").read_bytes()
    variant, runtime = Variant.model_validate(spec["parameters"]), Runtime.model_validate(spec["runtime"])
    configure(runtime)
    source, out = LECTURE / "data" / name, LECTURE / "experiments" / name / of
    data, meta = prepared.read(source / "prepared")
    depends_on = [digest, meta["digest"].encode()]
    pretrained = None
    if spec["pretrain"]:
        training, folder = importlib.import_module(f"ganpipe.training.{spec['pretrain']['module']}"), out / "pretrained"
        with locked_run_dir("lecture-pretrain", f"{name}-{of}", folder, depends_on) as checkpoint:
            params = training.Params.model_validate(spec["pretrain"]["params"])
            training.run(f"pretrain {of}", params, runtime, data, folder, checkpoint)
        pretrained = folder / str(variant.pretrained_file)
    folders = [out / str(seed) for seed in spec["seeds"]]
    trained: dict[int, Trained] = {}
    for seed, folder in zip(spec["seeds"], folders, strict=True):
        with locked_run_dir("lecture", f"{name}-{of}-{seed}", folder, depends_on) as checkpoint:
            outcome = train(
                TrainingArguments(f"{of}/{seed}", variant, runtime, data, seed, folder, pretrained, None, checkpoint)
            )
        trained[seed] = read_trained(folder, asdict(outcome.status) if outcome.status else None)
    real = open_reference(spec, data, source / "reference_stats", stored=True, classifier=source / "classifier")
    at_end, over_time = baselines.read(source / "reference_stats")
    result = evaluate(
        *(real, trained), variant=of, title=variant.title, data=name, all_baselines=at_end, quick_baselines=over_time
    )
    write_json(out / "evaluation.json", result)
    write_json(out / "values.json", measure(result, folders, data, variant))
    for folder in folders:
        _keep_small(folder)


def _keep_small(folder: Path) -> None:
    """The history and the sample grids stay; samples and weights of 200 trainings would fill a disk."""
    shutil.rmtree(folder / "snapshots", ignore_errors=True)
    for pattern in ("*.npy", "*.safetensors"):
        for path in folder.glob(pattern):
            path.unlink()


if __name__ == "__main__":
    run(main)
