"""What the stages call: keep a record of what they found, and show it in MLflow without waiting for it.

The rest of the package is loaded by name, so that results depend on this file alone. GANPIPE_TRACKING=off does nothing.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import Any

from ganpipe.utils.console import say
from ganpipe.utils.errors import UserError
from ganpipe.utils.signals import Interrupted

SWITCH = "GANPIPE_TRACKING"


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
    live = _call("Live", out, facts)
    status = "FAILED"
    try:
        yield more
        status = "FINISHED"
    except (Interrupted, KeyboardInterrupt):
        status = "KILLED"
        raise
    finally:
        if live is not None:
            _call("Live.end", live, status, more.seconds)


def evaluated(evaluation: Path) -> None:
    """Keep the record of `evals/<data>/<variant>.json`, and show its metrics in MLflow."""
    _call("evaluated", evaluation)


def ranked(ranks: Mapping[str, tuple[str, float | None]], data: str) -> None:
    """Keep the ranks of variants, each in words and as a number, and show them in MLflow."""
    _call("ranked", ranks, data)


def _call(name: str, *arguments: Any) -> Any:
    """Call it in `live`; a record that can't be written is one sentence, and the work goes on."""
    if os.environ.get(SWITCH, "").lower() in {"0", "off", "no", "false"}:
        return None
    try:
        return attrgetter(name)(importlib.import_module("ganpipe.tracking.live"))(*arguments)
    except (OSError, UserError) as error:
        say(f"ganpipe: no record for MLflow, the work goes on: {error}\n")
        return None
