"""What all stages share: reading the spec, errors and signals, and the clock."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ganpipe.utils.code_hash import code_digest, module_file
from ganpipe.utils.console import flush_streams, say
from ganpipe.utils.errors import ResourceError, UserError, resource_hint
from ganpipe.utils.io import write_json
from ganpipe.utils.signals import Interrupted, exit_with_parent, install_handlers

SPECS = Path("data/specs")


def run(main: Callable[[], None]) -> None:
    """Run a stage; an illegal input ends it with one sentence and exit code 2, an interruption with 130 or 143.

    A machine out of disk, memory or permission ends it with one sentence and exit code 1.
    """
    try:
        install_handlers()
        exit_with_parent()
        main()
    except UserError as error:
        _end(str(error), 2)
    except Interrupted as error:
        _end(f"{error.where or 'interrupted'}.", 128 + error.number)
    except (ResourceError, OSError, RuntimeError, MemoryError) as error:
        if (sentence := resource_hint(error)) is None:
            raise
        _end(f"{sentence}." if isinstance(error, ResourceError) else f"{sentence}, then `dvc repro` again.", 1)
    finally:
        flush_streams()


def _end(sentence: str, code: int) -> None:
    say(f"ganpipe: {sentence}\n")
    sys.exit(code)


def read_spec(name: str, folder: Path = SPECS, resolve: str = "resolve") -> dict[str, Any]:
    """A spec by its path below the folder. Raises UserError where it is missing or older than the code.

    resolve: the DVC stage that writes the folder.
    """
    path = folder / name
    try:
        spec: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(spec, dict):
            raise ValueError
    except (OSError, ValueError):
        raise UserError(f"{path} is missing or broken: run `dvc repro {resolve}` first.") from None
    for module, digest in spec.get("code", {}).items():
        file = Path(module) if "/" in module else module_file(module, Path())
        if not file.is_file() or code_digest(file) != digest:
            raise UserError(f"{path} is older than {file}: run `dvc repro {resolve}` first.")
    return spec


class Clock:
    """Seconds since the stage began, in a file of their own: they vary, and nothing that is compared may hold them."""

    def __init__(self, path: Path) -> None:
        self._path, self._start = path, time.perf_counter()

    def write(self, **more: float) -> None:
        """Write the file with the seconds so far and whatever else was measured."""
        write_json(self._path, {"seconds": time.perf_counter() - self._start, **more})
