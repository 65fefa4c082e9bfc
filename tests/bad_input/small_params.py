"""Legal contents of params.yaml and variants/ that are small, so that thousands of mistakes in them take seconds."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mutations import ORIGINAL, Raw

from ganpipe.config import configuration
from ganpipe.config.overlay import merged
from ganpipe.utils.errors import UserError
from stages import resolve

SHARED = ("runtime", "lecture", "tune", "classifier", "evaluate")


def whole_row() -> Raw:
    """One row that says everything itself, on points, so that nothing is missing that it leaves out."""
    row = merged(ORIGINAL["train"], ORIGINAL["variants"]["non_saturating"], "points", "ring")
    return {
        **small({"variant": row}, ["ring"]),
        "train": {},
        "datasets": {"ring": copy.deepcopy(ORIGINAL["datasets"]["ring"])},
    }


def small(rows: Raw, datasets: list[str]) -> Raw:
    """These variants on the original `train`, with only the data sets that are named or that a layer names."""
    named = {*datasets, *(key for source in (ORIGINAL["train"], *rows.values()) for key in _overridden(source))}
    shared = {key: ORIGINAL[key] for key in SHARED}
    return copy.deepcopy(
        {
            "loss": next(iter(rows)),
            "seeds": [0, 1],
            "data": {"kind": datasets[0], "limit": None},
            "datasets": {name: one for name, one in ORIGINAL["datasets"].items() if name in named},
            "train": ORIGINAL["train"],
            "variants": rows,
            **shared,
            "tune": ORIGINAL["tune"] | {"variants": [*rows]},
        }
    )


def _overridden(source: Raw) -> set[str]:
    bases = source.get("extends", {}).values()
    return set(source.get("overrides", {})).union(*(_overridden(base) for base in bases))


def checked(raw: Any) -> None:
    """`ganpipe check` on this content of params.yaml."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(configuration, "read_project", lambda path: raw)
        configuration.check(configuration.load(Path("params.yaml")))


def said(raw: Any) -> str:
    """What `resolve` says of this content of params.yaml. Fails where it is legal, or where anything else is raised."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(configuration, "read_project", lambda path: raw)
        patch.setattr(resolve.specs, "build", lambda *_: pytest.fail("params.yaml was taken for legal"))
        with pytest.raises(UserError) as caught:
            resolve.main()
    return str(caught.value)


def is_one_sentence(sentence: str) -> bool:
    """One line that a terminal prints, which ends as a sentence does."""
    return sentence.isprintable() and sentence.endswith(".") and len(sentence) <= 4000


def untouched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A fixture: a folder with specs from before, in which nothing may change."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GANPIPE_DATA_ROOT", raising=False)
    spec = tmp_path / "data" / "specs" / "data.json"
    spec.parent.mkdir(parents=True)
    spec.write_text("{}")
    yield
    assert [path for path in sorted(tmp_path.rglob("*")) if path.is_file()] == [spec]
    assert spec.read_text() == "{}"
