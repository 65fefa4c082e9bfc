"""What benchmarks of trainings share: results kept as they come, one JSON line each, and tables in the docs."""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from ganpipe.utils.io import write_bytes

Line = dict[str, Any]


def read(file: Path) -> list[Line]:
    """The results in a file; none where there is no file."""
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()] if file.exists() else []


def measure(work: Callable[..., Line], calls: Sequence[tuple[Any, ...]], jobs: int, file: Path) -> Iterator[Line]:
    """`work` of each call, so many at a time in processes of their own, as they come; each is appended to the file."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=spawn) as pool, file.open("a", encoding="utf-8") as results:
        try:
            for future in as_completed([pool.submit(work, *call) for call in calls]):
                line = future.result()
                results.write(json.dumps(line) + "\n")
                results.flush()
                yield line
        except BaseException:  # Ctrl-C, too: what has not begun is not wanted
            pool.shutdown(cancel_futures=True)
            raise


def write_section(page: Path, start: str, end: str, content: str) -> None:
    """Put the content between the two marks of a page."""
    head, rest = page.read_text(encoding="utf-8").split(start)
    write_bytes(page, f"{head}{start}{content}\n{end}{rest.split(end)[1]}".encode())
