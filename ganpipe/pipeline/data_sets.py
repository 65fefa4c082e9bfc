"""Several data sets, one after another, as `ganpipe sweep --data digits,ring` takes them."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from filelock import FileLock, Timeout

from ganpipe.config import configuration
from ganpipe.config.configuration import Configuration
from ganpipe.pipeline.job import FOLDER
from ganpipe.pipeline.sweep import INTERRUPTED
from ganpipe.utils.errors import UserError, format_value
from ganpipe.utils.io import write_bytes
from ganpipe.utils.signals import count_as_ctrl_c

KIND = re.compile(r"^(data:[^\S\n]*(?:#.*)?\n(?:(?:[ #].*)?\r?\n)*? +kind: *)([^\s#]+)", re.MULTILINE)
"""The line of params.yaml, from `data:` on."""


def known(names: Sequence[str], among: Iterable[str]) -> list[str]:
    """The names of data sets, each once. Raises UserError for one that is none."""
    choices = list(among)
    for name in names:
        if name not in choices:
            near = difflib.get_close_matches(name, choices, n=1)
            hint = f"did you mean {near[0]}? " if near else ""
            raise UserError(f"{format_value(name)} is no data set of params.yaml: {hint}known: {', '.join(choices)}.")
    return list(dict.fromkeys(names))


def one_after_another(params: Path, names: Sequence[str], run: Callable[[Configuration], int]) -> int:
    """`run` for each data set, with params.yaml as it is but for `data.kind`, which is put back at the end.

    The one that params.yaml names comes last, so that DVC's lock files are of it. Returns the highest exit code; an
    interruption ends it. Raises UserError before anything runs where a data set is not known or lacks its files.
    """
    given, code = configuration.load(params), 0
    own = given.data.kind
    order = sorted(known(names, given.datasets), key=lambda name: name == own)
    chosen = [given.model_copy(update={"data": given.data.model_copy(update={"kind": name})}) for name in order]
    for c in chosen:
        configuration.check(c)
    _refuse_where_a_sweep_runs(params.parent)
    before = written = params.read_bytes()
    count_as_ctrl_c()
    try:
        for c in chosen:
            print(f"Data set {c.data.kind}", flush=True)
            written = _select(params, c.data.kind, given.datasets)
            code = max(code, run(c))
            if code == INTERRUPTED:
                break
    finally:
        if params.read_bytes() == written:
            write_bytes(params, before)
        else:  # somebody has edited it
            _select(params, own, given.datasets)
    return code


def _refuse_where_a_sweep_runs(root: Path) -> None:
    """Its params.yaml must not change."""
    (root / FOLDER).mkdir(parents=True, exist_ok=True)
    try:
        FileLock(root / FOLDER / "lock").acquire(timeout=0).lock.release()
    except Timeout:
        raise UserError("another sweep is at work in this folder: wait for it, or end it.") from None


def _select(params: Path, name: str, among: Iterable[str]) -> bytes:
    """Write the name of a data set into params.yaml, in the place of another, and return what the file holds then."""
    text = params.read_bytes().decode()
    found = KIND.search(text)
    if not found or found[2].strip("\"'") not in among:
        raise UserError(
            f"{params} does not have data.kind on a line of its own: write it so, as `kind: {name}` below `data:`."
        )
    changed = (text[: found.start(2)] + name + text[found.end(2) :]).encode()
    write_bytes(params, changed)
    return changed
