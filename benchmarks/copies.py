"""A copy of this project as it stands, in which nothing has run."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

SOURCE = Path(__file__).resolve().parents[1]
LEFT_OUT = ("dvc.lock", "stages/dvc.lock", "stages/lecture/dvc.lock", "metrics.json")
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


@contextmanager
def edited(folder: Path) -> Iterator[Any]:
    """params.yaml to edit, in which `variants` maps each name of the list to the content of its file in variants/.

    `files` does so for all files there. On exit those that are neither listed nor extended are removed.
    """
    yaml, files = YAML(), folder / "variants"
    params = yaml.load(folder / "params.yaml")
    params["files"] = {file.stem: yaml.load(file) for file in files.iterdir()}
    params["variants"] = {name: params["files"][name] for name in params["variants"]}
    yield params
    rows = params.pop("files") | params["variants"]
    needed: set[str] = set()
    todo = list(params["variants"])
    while todo:
        name = todo.pop()
        needed.add(name)
        todo += [rows[name]["extends"]] if "extends" in rows[name] else []
    for name in needed:
        yaml.dump(rows[name], files / f"{name}.yaml")
    for file in files.iterdir():
        if file.stem not in needed:
            file.unlink()
    params["variants"] = list(params["variants"])
    yaml.dump(params, folder / "params.yaml")
