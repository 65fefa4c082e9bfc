"""The folder `references/<data>`: what the `reference` stage computes once and every evaluation reads."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ganpipe.errors import BadInput
from ganpipe.evaluation.bounds import Bounds, bounds, most
from ganpipe.evaluation.images import Classify, ImageReference
from ganpipe.evaluation.parameters import EvaluateParams, enough
from ganpipe.evaluation.points import PointReference
from ganpipe.evaluation.reference import Reference, choose
from ganpipe.evaluation.spaces import Extract, Real, Space
from ganpipe.files import write_json
from ganpipe.prepared import PreparedDataset

Networks = Mapping[str, tuple[str, Extract]]
"""Resizer and function of each feature network."""
Known = dict[int, dict[str, Bounds]]


def compute(
    data: PreparedDataset, parameters: EvaluateParams, networks: Networks, classify: Classify | None, folder: Path
) -> Reference:
    """The real side, with every network's view of it written into the folder. Raises BadInput for too few images."""
    if data.form == "points":
        return PointReference(data, parameters)
    images = choose(data.test, parameters.cap, "test", parameters.seed)
    enough(len(images), "real samples", parameters.needs)
    spaces: list[Space] = []
    for name, (resizer, extract) in networks.items():
        # all of the training images: of a part of them an exact copier would copy only that part
        real = Real.of(extract, images, data.train, parameters)
        real.write(folder / f"{name}.npz")
        spaces.append(Space(name, resizer, extract, real, parameters, leads=not spaces))
    return ImageReference(data, parameters, spaces, classify)


def read(
    data: PreparedDataset, parameters: EvaluateParams, networks: Networks, classify: Classify | None, folder: Path
) -> Reference:
    """The same from the folder. Raises BadInput where a file is missing or broken."""
    if data.form == "points":
        return PointReference(data, parameters)
    spaces = [
        Space(name, resizer, extract, Real.read(folder / f"{name}.npz"), parameters, leads=place == 0)
        for place, (name, (resizer, extract)) in enumerate(networks.items())
    ]
    return ImageReference(data, parameters, spaces, classify)


def write_bounds(real: Reference, counts: Sequence[int], quick_counts: Sequence[int], folder: Path) -> None:
    """`bounds.json`: floors and ceilings for so many generated samples, of all figures and of the quick ones."""
    limit = most(real)
    found = {
        kind: {
            str(count): {name: asdict(limits) for name, limits in bounds(real, count, quick=kind == "quick").items()}
            for count in sorted({min(count, limit) for count in of})
        }
        for kind, of in (("all", counts), ("quick", quick_counts))
    }
    write_json(folder / "bounds.json", found)


def read_bounds(folder: Path) -> tuple[Known, Known]:
    """Of all figures and of the quick ones, by number of samples. Raises BadInput where the file is broken."""
    try:
        said = json.loads((folder / "bounds.json").read_text(encoding="utf-8"))
        return _known(said["all"]), _known(said["quick"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadInput(
            f"{folder / 'bounds.json'} can't be read ({error!r}): delete {folder} and run `dvc repro reference`."
        ) from None


def _known(said: dict[str, Any]) -> Known:
    return {int(count): {name: Bounds(**limits) for name, limits in figures.items()} for count, figures in said.items()}
