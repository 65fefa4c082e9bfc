"""Messages on streams that may fail: a closed pipe, a log on a full disk."""

from __future__ import annotations

import os
import sys
from typing import Literal


def say(text: str, stream: Literal["stdout", "stderr"] = "stderr") -> None:
    """Write to a stream where that is possible; a stream that fails ends no work."""
    try:
        getattr(sys, stream).write(text)
        getattr(sys, stream).flush()
    except OSError:
        flush_streams()


def flush_streams() -> None:
    """Flush stdout and stderr, or drop what they hold: Python exits with code 120 where it cannot be written."""
    for name, number in (("stdout", 1), ("stderr", 2)):
        try:
            getattr(sys, name).flush()
        except OSError:
            # later messages are tried again: there may be room by then
            fresh = os.fdopen(number, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)
            setattr(sys, name, fresh)
