"""A real file system of a few megabytes, which can be made full to the last page."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def mounted(folder: Path, kib: int) -> Iterator[Path]:
    """An empty file system of so many KiB at `folder`; not everybody may mount one."""
    folder.mkdir(parents=True, exist_ok=True)
    options = ["mount", "-t", "tmpfs", "-o", f"size={kib}k", "tmpfs", str(folder)]
    done = subprocess.run(options, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"a file system can't be mounted here: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def leave(disk: Path, pages: int) -> None:
    """Make the file system as small as what is in it and so many pages."""
    found = os.statvfs(disk)
    kib = (found.f_blocks - found.f_bfree + pages) * found.f_frsize // 1024
    subprocess.run(["mount", "-o", f"remount,size={kib}k", str(disk)], check=True)


def grow(disk: Path, kib: int) -> None:
    subprocess.run(["mount", "-o", f"remount,size={kib}k", str(disk)], check=True)
