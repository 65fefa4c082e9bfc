"""What is said on the way, on streams that may be gone: a closed pipe, a log on a full disk."""

from __future__ import annotations

import os
import sys
from typing import Literal


def say(text: str, stream: Literal["stdout", "stderr"] = "stderr") -> None:
    """Write to a stream, where that is possible: no work is lost for want of a reader."""
    try:
        getattr(sys, stream).write(text)
        getattr(sys, stream).flush()
    except OSError:
        settle()


def settle() -> None:
    """Write what stdout and stderr still hold, or forget it: Python ends with code 120 where it can't be written."""
    for name, number in (("stdout", 1), ("stderr", 2)):
        try:
            getattr(sys, name).flush()
        except OSError:
            # what comes later is tried again: there may be room by then
            fresh = os.fdopen(number, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)
            setattr(sys, name, fresh)
