"""The repository's params.yaml and variants/ with something changed in them, as plain data."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ganpipe.config import configuration
from ganpipe.config.configuration import Configuration
from ganpipe.config.overlay import read_project

PARAMS = Path(__file__).resolve().parents[1] / "params.yaml"
ORIGINAL = read_project(PARAMS)
# enough for mistakes, and checked in a tenth of the time
ROWS = ("non_saturating", "lsgan", "wgan_gp", "rpgan", "ebgan", "loss_sensitive")
Raw = dict[str, Any]
Change = Callable[[Raw], object]


def no_data_root(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fixture: no folder of data from the caller's environment."""
    monkeypatch.delenv("GANPIPE_DATA_ROOT", raising=False)
    monkeypatch.delenv("DVC_ROOT", raising=False)


def few_rows() -> Raw:
    """A copy with six variants to change something in."""
    raw = copy.deepcopy(ORIGINAL)
    raw["variants"] = {name: raw["variants"][name] for name in ROWS}
    return raw


def checked(raw: Raw) -> Configuration:
    """What `ganpipe check` does with this content of params.yaml and variants/."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(configuration, "read_project", lambda path: raw)
        chosen = configuration.load(PARAMS)
        configuration.check(chosen)
    return chosen


def put(place: str, value: Any) -> Change:
    """Set the value at a dotted place; mappings on the way are made where they lack."""

    def change(raw: Raw) -> None:
        *way, last = place.split(".")
        at: Any = raw
        for key in way:
            at = at[int(key)] if isinstance(at, list) else at.setdefault(key, {})
        at[int(last) if isinstance(at, list) else last] = value

    return change


def drop(place: str) -> Change:
    def change(raw: Raw) -> None:
        *way, last = place.split(".")
        at: Any = raw
        for key in way:
            at = at[key]
        del at[last]

    return change


def both(*changes: Change) -> Change:
    return lambda raw: [change(raw) for change in changes]


def critic(output: str = "score", norm: str = "none", **more: Any) -> Raw:
    return {
        "kind": "mlp",
        "width": 8,
        "depth": 1,
        "norm": norm,
        "output": output,
        "first_layer_scale": 1.0,
        "bias_spread": 0.0,
        **more,
    }
