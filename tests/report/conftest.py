"""What the tests of the report share."""

from __future__ import annotations

from pathlib import Path

import pytest
from report_tree import Spec, write_tree


@pytest.fixture
def spec(tmp_path: Path) -> Spec:
    """The spec of a tree with two seeds, below `tmp_path`."""
    return write_tree(tmp_path, [0, 1])
