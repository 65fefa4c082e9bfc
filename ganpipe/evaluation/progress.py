"""What an evaluation is at, on stderr: for thousands of images it takes minutes."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from ganpipe.utils.console import say

LINE_EVERY = 10.0
"""Seconds."""


class Progress:
    """whose: samples are measured, in words; what: is computed of them."""

    whose = what = ""

    @contextmanager
    def lines(self, title: str) -> Iterator[None]:
        """A line every ten seconds, from a thread, as a single metric can take longer."""
        ended, start = threading.Event(), time.monotonic()

        def write() -> None:
            while not ended.wait(LINE_EVERY):
                seconds = int(time.monotonic() - start)
                at = ", ".join(part for part in (self.whose, self.what) if part)
                say(f"{title}  {seconds // 60}:{seconds % 60:02d}  {at}\n")

        thread = threading.Thread(target=write, daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()


PROGRESS = Progress()
"""Of this process, which measures one set of samples after another."""
