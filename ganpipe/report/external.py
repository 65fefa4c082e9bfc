"""Rows of other programs, as `ganpipe evaluate` writes them: `external/<data>/<name>/`, see CONTRIBUTING.md."""

from __future__ import annotations

from pathlib import Path

from ganpipe.report.evaluations import Evaluation, validated
from ganpipe.report.read import Grid, Run, Variant, read_json
from ganpipe.utils.conventions import EXTERNAL


def read_externals(root: Path, data: str) -> tuple[Variant, ...]:
    """All rows of other programs on this data, by name; a folder without an evaluation is not complete yet."""
    files = sorted((root / EXTERNAL / data).glob("*/evaluation.json"))
    return tuple(read_external(root, data, file.parent.name) for file in files)


def read_external(root: Path, data: str, name: str) -> Variant:
    """One row. Its runs have no history, and one picture each."""
    folder = f"{EXTERNAL}/{data}/{name}"
    content = read_json(root, f"{folder}/evaluation.json")
    evaluation = validated(Evaluation, f"{folder}/evaluation.json", content)
    pictures = {seed: root / folder / f"samples-{seed}.png" for seed in evaluation.seeds}
    facts = {f"seed {seed}": how for seed, how in enumerate(content.get("read", ()))}
    runs = tuple(
        Run(seed=seed, parameters=facts, grids=(Grid(0, path),) if path.is_file() else ())
        for seed, path in pictures.items()
    )
    return Variant(f"external-{name}", evaluation.title, evaluation, runs, {}, external=True)
