"""Removing what vanished variants, seeds and data sets left behind.

DVC forgets a stage that is no longer in the matrix, but not its results: they stay in their folders, which are
dependencies of other stages as a whole, and its entry stays in the lock file.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from ruamel.yaml import YAML

from ganpipe.config.configuration import Configuration
from ganpipe.config.overlay import read_yaml
from ganpipe.utils.conventions import EXTERNAL

MATRIX_STAGE = re.compile(r"(?:pretrain|evaluate)@(?P<variant>\w+)|train@(?P<trained>\w+)-(?P<seed>\d+)")


def leftovers(configuration: Configuration, root: Path) -> Iterator[Path]:
    """Folders and files of variants, seeds and data sets that params.yaml no longer has."""
    variants, seeds = set(configuration.variants), {str(seed) for seed in configuration.seeds}
    data = configuration.datasets
    pages_of_all = {"lecture.html", "across.html", *(f"tuning-{name}.html" for name in configuration.tune.data)}
    for top in ("runs", "evals", "pretrained", "classifiers", "reference_stats", "timings", "reports"):
        yield from (path for path in _visible(root / top) if path.name not in {*data, *pages_of_all})
    for top in ("data/fingerprints", "data/prepared"):
        yield from (path for path in _visible(root / top) if path.stem not in data)
    for name in data:
        for folder in ("runs", "evals", "pretrained"):
            yield from (path for path in _visible(root / folder / name) if path.stem not in variants)
        external = {f"external-{row.name}" for row in _visible(root / EXTERNAL / name)}
        pages = variants | external | {"zoo", *(f"variance-{variant}" for variant in variants)}
        yield from (path for path in _visible(root / "reports" / name) if path.name.removesuffix(".html") not in pages)
        for kind in ("pretrain", "train", "evaluate"):
            yield from (path for path in _visible(root / "timings" / name / kind) if path.stem not in variants)
        for trainings in (root / "runs" / name, root / "timings" / name / "train"):
            for folder_of_variant in _visible(trainings):
                if folder_of_variant.name in variants:
                    yield from (path for path in _visible(folder_of_variant) if path.stem not in seeds)
    for name in configuration.tune.data:  # the best are chosen from all that lies there
        draws = {str(draw) for draw in configuration.tune.draws}
        for folder in ("draws", "winners"):
            of = _visible(root / "tune" / folder / name)
            yield from (path for path in of if path.name not in configuration.tune.variants)
        for folder_of_variant in _visible(root / "tune/draws" / name):
            if folder_of_variant.name in configuration.tune.variants:
                yield from (path for path in _visible(folder_of_variant) if path.name not in draws)
    checkpoints = (path for path in _visible(root / ".ckpt") if path.name != "locks")
    yield from (path for path in checkpoints if not _still_needed(path, data, variants, seeds))


def _still_needed(checkpoint: Path, data: Iterable[str], variants: set[str], seeds: set[str]) -> bool:
    """Whether a training may go on from the checkpoint, a folder `<kind>-<data>[-<variant>[-<seed>]]-<key>`."""
    kind, *name = checkpoint.name.split("-")[:-1]
    known = zip(name, (data, variants, seeds), strict=False)
    exists = kind in ("lecture", "tune") or all(part in among for part, among in known)
    return exists and not (checkpoint / "finished").exists()


def clean(configuration: Configuration, root: Path) -> list[str]:
    """Remove the leftovers and the lock entries of vanished stages; returns what was removed. The cache stays."""
    lock = root / "stages" / "dvc.lock"
    content = read_yaml(lock) if lock.is_file() else {}  # before anything is removed: it may be broken
    gone = [name for name in content.get("stages", {}) if not _is_in_matrix(name, configuration)]
    removed = []
    for path in list(leftovers(configuration, root)):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
        removed.append(path.relative_to(root).as_posix())
    for name in gone:
        del content["stages"][name]
    if gone:
        part = lock.with_name(".dvc.lock.part")
        with part.open("w", encoding="utf-8") as file:
            YAML().dump(content, file)
        part.replace(lock)
    return removed + [f"{lock.relative_to(root).as_posix()}: {name}" for name in gone]


def _is_in_matrix(stage: str, configuration: Configuration) -> bool:
    item = MATRIX_STAGE.fullmatch(stage)
    if item is None:
        return True
    seed = item["seed"]
    return (item["variant"] or item["trained"]) in configuration.variants and (
        seed is None or int(seed) in configuration.seeds
    )


def _visible(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*") if not path.name.startswith(".")) if folder.is_dir() else []
