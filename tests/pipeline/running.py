"""Commands of `ganpipe` in this process: as a person runs them, without the start of an interpreter."""

from __future__ import annotations

import sys
from contextlib import chdir
from typing import NamedTuple

import pytest
from pipeline_project import Project

from ganpipe import cli


class Said(NamedTuple):
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str


class Commands:
    """Runs commands in the folder of a project."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch, self._capsys = monkeypatch, capsys

    def __call__(self, project: Project, *arguments: str) -> Said:
        self._monkeypatch.setattr(sys, "argv", ["ganpipe", *arguments])
        self._monkeypatch.setenv("COLUMNS", "200")
        self._capsys.readouterr()
        code = 0
        with chdir(project.root):
            try:
                cli.main()
            except SystemExit as end:
                code = int(end.code or 0)
        return Said(code, *self._capsys.readouterr())

    def refusal(self, project: Project, *arguments: str) -> str:
        """The one sentence that a refused command says."""
        said = self(project, *arguments)
        assert (said.code, said.out, said.err.count("\n")) == (2, "", 1), said
        assert said.err.startswith("ganpipe: ")
        assert said.err.endswith(".\n")
        return said.err.removeprefix("ganpipe: ").rstrip("\n")
