"""The command line in this process."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from ganpipe import cli


def ganpipe(root: Path | None, *arguments: str) -> int:
    """`ganpipe` with these arguments in a repository, or wherever this process is; its exit code."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["ganpipe", *arguments])
        if root is not None:
            patch.setenv("DVC_ROOT", str(root))
        with pytest.raises(SystemExit) as caught:
            cli.main()
    return int(caught.value.code or 0)
