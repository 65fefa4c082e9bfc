"""A copy of this project as it stands, in which nothing has run."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[1]
LEFT_OUT = ("dvc.lock", "stages/dvc.lock", "metrics.json")
WHO = {f"GIT_{who}_{what}": "copy@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}


def copy(folder: Path) -> Path:
    """Every file that git knows, with its changes, but for what a run made."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=SOURCE, capture_output=True, check=True).stdout
    for name in filter(None, listed.decode().split("\0")):
        if name not in LEFT_OUT and (SOURCE / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(SOURCE / name, folder / name)
    return folder


def commit(folder: Path) -> Path:
    """Make the folder a repository of git, which DVC needs."""
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "state"]):
        subprocess.run(["git", *command], cwd=folder, check=True, env={**os.environ, **WHO})
    return folder
