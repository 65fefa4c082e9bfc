"""DVC's own lock files. A DVC of another environment, without `ganpipe.whole`, writes them in place: a kill at that
moment leaves one that no later DVC reads.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from pathlib import Path

from ganpipe.errors import BadInput

SETTLED = 1.0
"""Seconds after which a broken file that has not changed is not being written."""

ENTIRE = re.compile(r"schema: '2\.0'\n.*\n {6}(size|nfiles): \d+\n", re.DOTALL)
"""How a lock file begins and ends where it is whole, or was cut between two entries, which DVC minds as little."""

_THEN = "then `dvc repro`, which restores what had run from DVC's run cache"


def check(root: Path) -> None:
    """Raises BadInput where DVC would stop at a broken file of its own, in words that do not say what to do."""
    for path in (root / "dvc.lock", *sorted(root.glob("*/dvc.lock"))):
        if _broken(path, _is_lock):
            raise BadInput(f"{path} is broken, as a dvc that is killed leaves it: remove it, {_THEN}.")
    path = root / ".dvc" / "tmp" / "rwlock"
    if _broken(path, _is_json):
        raise BadInput(f"{path} is broken, as a dvc that is killed leaves it: remove it while no dvc runs, {_THEN}.")


def _broken(path: Path, whole: Callable[[str], bool]) -> bool:
    """Whether the file is there and not whole, and nobody is writing it."""
    while (text := _text(path)) is not None and not whole(text):
        time.sleep(SETTLED)
        if _text(path) == text:
            return True
    return False


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:  # it is not there, or DVC will say why it can't be read
        return None


def _is_lock(text: str) -> bool:
    if ENTIRE.fullmatch(text):  # anything else is rare, and the import of DVC takes its time
        return True
    from dvc.schema import COMPILED_LOCKFILE_SCHEMA
    from dvc.utils.serialize import YAMLFileCorruptedError, parse_yaml
    from voluptuous import Invalid

    try:
        COMPILED_LOCKFILE_SCHEMA(parse_yaml(text, "dvc.lock"))
    except (YAMLFileCorruptedError, Invalid):
        return False
    return True


def _is_json(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False
