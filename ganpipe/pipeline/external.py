"""`ganpipe evaluate`: the evaluation of samples that another program made, beside those of the variants."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from ganpipe import prepared
from ganpipe.config.configuration import Configuration
from ganpipe.evaluation import baselines
from ganpipe.evaluation.evaluate import Trained, evaluate
from ganpipe.evaluation.external import ExternalSamples, read_samples
from ganpipe.evaluation.progress import PROGRESS
from ganpipe.evaluation.reference import Samples
from ganpipe.evaluation.setup import open_reference
from ganpipe.pipeline.stage import read_spec
from ganpipe.report.page import external_page
from ganpipe.training.grids import NUM_FIXED, draw_grid, save_png
from ganpipe.utils.conventions import EXTERNAL
from ganpipe.utils.errors import UserError
from ganpipe.utils.io import write_bytes, write_json

STAGE = "stages/dvc.yaml:reference_stats"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}")


def evaluate_external(
    configuration: Configuration, paths: Sequence[Path], data: str | None, name: str | None
) -> tuple[list[str], Path]:
    """Evaluate the samples at each path as one seed of the row `name`, and write its files and its page.

    Runs DVC for what every evaluation compares with, where it is not up to date. data: None is the selected data set.
    Returns sentences on how the samples were read, and the page. Raises UserError; nothing of the row is then changed.
    """
    selected = configuration.data.kind
    if data not in (None, selected):
        known = f"use one of {', '.join(configuration.datasets)}"
        if data in configuration.datasets:
            known = f"select it first, by `dvc exp run -S data.kind={data} {STAGE}`"
        raise UserError(f"--data is {data}, and params.yaml selects {selected}: {known}.")
    row = _name(paths, name)
    with PROGRESS.lines(f"evaluate {row}"):
        found = [_read(path, configuration) for path in paths]
    _check_ranges(paths, found)
    command = [sys.executable, "-m", "dvc", "--wait-for-lock", "repro", STAGE]
    if subprocess.run(command, stdin=subprocess.DEVNULL, check=False).returncode:
        raise UserError(f"`dvc repro {STAGE}` failed, for the reason above: mend that and try again.")

    spec = read_spec("evaluate.json")
    real_data, _ = prepared.read(Path("data/prepared", selected))
    reference = Path("reference_stats", selected)
    all_baselines, _ = baselines.read(reference)
    with PROGRESS.lines(f"evaluate {row}"):
        result = evaluate(
            open_reference(spec, real_data, reference, stored=True),
            {seed: Trained(Samples(one.samples, one.samples, one.finite), {}) for seed, one in enumerate(found)},
            variant=f"external-{row}",
            title=row,
            data=selected,
            all_baselines=all_baselines,
        )
    read = [f"{path.name}: {one.how}" for path, one in zip(paths, found, strict=True)]
    folder = Path(EXTERNAL, selected, row)
    for old in folder.glob("samples-*.png"):
        old.unlink()
    for seed, one in enumerate(found):
        grid = draw_grid(one.samples[: NUM_FIXED[real_data.form]], real_data.train)
        save_png(grid, folder / f"samples-{seed}.png")
    write_json(folder / "evaluation.json", result | {"read": read})
    page = Path("reports", selected, f"external-{row}.html")
    write_bytes(page, external_page(Path(), selected, row).encode())
    return read + _fewer(result["protocol"]["generated"], max(all_baselines, default=0)), page


def _read(path: Path, configuration: Configuration) -> ExternalSamples:
    PROGRESS.what = f"reading {path}"
    return read_samples(path, configuration.dataset.shape)


def _name(paths: Sequence[Path], name: str | None) -> str:
    if name is None and len(paths) > 1:
        raise UserError(f"There are {len(paths)} sets of samples, the seeds of one row: name it with --name.")
    row = name if name is not None else paths[0].resolve().stem
    if not NAME.fullmatch(row):
        raise UserError(f"The row would be named {row!r:.80}: give --name of letters, digits and .-_, at most 60.")
    return row


def _check_ranges(paths: Sequence[Path], found: Sequence[ExternalSamples]) -> None:
    """Refuse seeds that were taken for floating point in [0, 1] and in [-1, 1]: all are made by one program."""
    ranges = {one.how.partition(" in ")[2]: path for path, one in zip(paths, found, strict=True) if " in " in one.how}
    if len(ranges) > 1:
        (first, path), (second, other) = list(ranges.items())[:2]
        raise UserError(f"{path} seems to be in {first} and {other} in {second}: give all of them as uint8.")


def _fewer(generated: int, of_variants: int) -> list[str]:
    if generated >= of_variants:
        return []
    return [
        f"note: {generated} samples are compared, and {of_variants} of each variant; many metrics depend on the "
        f"number, so give at least {of_variants}"
    ]
