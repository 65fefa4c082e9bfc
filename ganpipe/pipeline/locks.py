"""DVC's own files that a git merge or a killed dvc leaves broken: it writes them in place, dvc.lock for up to a second.

The remedy after a kill is one: remove the file and run `dvc repro`, which restores from DVC's run cache what had run,
bit for bit.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from ganpipe.utils.errors import UserError
from ganpipe.utils.io import merge_mark

WRITE_SECONDS = 1.0
"""Seconds after which a broken file that has not changed is not being written."""
_ITEM = r" {4}- path: .+\n {6}hash: .+\n {6}md5: .+\n {6}size: \d+\n(?: {6}(?:nfiles|isexec): .+\n)?"
_STAGE = rf"  \S.*:\n {{4}}cmd: .+\n(?: {{4}}(?:deps|outs):\n(?:{_ITEM})+| {{4}}params:\n(?: {{6}}.+\n)+)*"
COMPLETE_LOCK = re.compile(rf"schema: '2\.0'\nstages:\n(?:{_STAGE})+")
"""A lock file as DVC writes it, or cut between two entries, which DVC does not mind."""


def check(root: Path) -> None:
    """Raises UserError where DVC would stop at a broken file of its own, in words that do not say what to do."""
    for path in sorted([*root.glob("dvc.*"), *root.glob("*/dvc.*")]):
        if line := merge_mark(_text(path) or ""):
            remedy = "keep one side"
            if path.suffix == ".lock":
                remedy = "take one side whole (`git checkout --ours`) or remove it, then `dvc repro`"
            raise UserError(f"{path} holds the mark of a git merge in line {line}: {remedy}.")
    for path in broken(root):
        remedy = "remove it while no dvc runs, then `dvc repro`, which restores what had run from DVC's run cache"
        raise UserError(f"{path} is broken, as a dvc that is killed leaves it: {remedy}.")


def check_git(root: Path) -> None:
    """Raises UserError where the project is in no repository of git, in which DVC would not start."""
    here = root.resolve()
    config = _text(root / ".dvc/config") or ""
    if "no_scm" not in config and not any((folder / ".git").exists() for folder in (here, *here.parents)):
        raise UserError(f"{here} is in no git repository, which DVC needs: run `git init` there.")


def broken(root: Path) -> Iterator[Path]:
    """The lock files, DVC's table of running processes, and the entries of its run cache that are not complete."""
    yield from (path for path in (root / "dvc.lock", *sorted(root.glob("*/dvc.lock"))) if _broken(path, _is_lock))
    yield from (path for path in [root / ".dvc/tmp/rwlock"] if _broken(path, _is_json))
    empty = [path for path in sorted((root / ".dvc/cache/runs").glob("??/*")) if not any(path.iterdir())]
    time.sleep(WRITE_SECONDS if empty else 0.0)
    yield from (path for path in empty if path.is_dir() and not any(path.iterdir()))


def _broken(path: Path, complete: Callable[[str], bool]) -> bool:
    """Whether the file exists and is not complete, and no process is writing it."""
    while (text := _text(path)) is not None and not complete(text):
        time.sleep(WRITE_SECONDS)
        if _text(path) == text:
            return True
    return False


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:  # it does not exist, or DVC says why it cannot be read
        return None


def _is_lock(text: str) -> bool:
    """Whether DVC accepts a lock file."""
    stages = re.findall(r"^  (\S.*):$", text, re.MULTILINE)
    if COMPLETE_LOCK.fullmatch(text) and len(set(stages)) == len(stages):  # DVC's import and its parser take seconds
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
