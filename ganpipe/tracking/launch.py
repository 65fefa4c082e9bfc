"""What the stages call: keep a record of what they found, and show it in MLflow without waiting for it.

The rest of the package is loaded by name, so that results depend on this file alone. GANPIPE_TRACKING=off does nothing.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ganpipe.utils.console import say
from ganpipe.utils.errors import UserError
from ganpipe.utils.signals import Interrupted

SWITCH = "GANPIPE_TRACKING"
INHERITED = ("DVC_EXP_NAME", "DVC_EXP_BASELINE_REV", "DVC_STAGE")


@dataclass
class Tracked:
    """seconds: how long the training took in all of its processes, where it is known."""

    seconds: float = 0.0


@contextmanager
def tracked(out: Path, facts: Mapping[str, Any]) -> Iterator[Tracked]:
    """Inside, a training writes into `out`, run.json last; at the end its record is kept.

    facts: those of run.json that are known before. A thread follows the files and logs them; the training waits for it
    at the end only, and no longer than `live.WAIT`.
    """
    more = Tracked()
    live = None if off() else _without_errors("begin", root(), out, facts, _tags())
    status = "FAILED"
    try:
        yield more
        status = "FINISHED"
    except (Interrupted, KeyboardInterrupt):
        status = "KILLED"
        raise
    finally:
        if live is not None:
            _without_errors("end", live, status, more.seconds)


def evaluated(evaluation: Path) -> None:
    """Keep the record of `evals/<data>/<variant>.json`, and show its metrics in MLflow."""
    if not off():
        _without_errors("evaluated", root(), evaluation, _tags())


def ranked(ranks: Mapping[str, tuple[str, float | None]], data: str) -> None:
    """Keep the ranks of variants, each in words and as a number, and show them in MLflow."""
    if not off():
        _without_errors("ranked", root(), data, ranks)


def off() -> bool:
    """Whether the user asked for no tracking."""
    return os.environ.get(SWITCH, "").lower() in {"0", "off", "no", "false"}


def root() -> Path:
    """The repository, also for an experiment that runs in a folder of its own."""
    return Path(os.environ.get("DVC_ROOT") or ".").resolve()


def _tags() -> dict[str, str]:
    return {key: os.environ[key] for key in INHERITED if os.environ.get(key)}


def _without_errors(name: str, *arguments: Any) -> Any:
    """Call it; a record that can't be written is one sentence, and the work goes on."""
    try:
        return getattr(importlib.import_module("ganpipe.tracking.live"), name)(*arguments)
    except (OSError, UserError) as error:
        say(f"ganpipe: no record for MLflow, the work goes on: {error}\n")
        return None
