"""The notebook docs/tour.ipynb, cell by cell, in a project in which everything has run."""

from __future__ import annotations

import nbformat
import pytest
from nbclient import NotebookClient
from pipeline_project import SOURCE, Project

pytestmark = pytest.mark.slow


def test_every_cell_runs_and_shows_pictures_and_numbers(built: Project) -> None:
    notebook = nbformat.read(SOURCE / "docs/tour.ipynb", as_version=4)
    place = {"metadata": {"path": str(built.root / "docs")}}
    done = NotebookClient(notebook, timeout=120, kernel_name="python3", resources=place).execute()
    outputs = [output for cell in done.cells if cell.cell_type == "code" for output in cell.outputs]
    assert sum("image/png" in output.get("data", {}) for output in outputs) == 5
    text = "".join(output.get("text", "") for output in outputs)
    assert "lsgan beats wgan_gp in" in text
