"""README.md, docs/ and .env.example say what the code does."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def test_every_variable_of_the_environment_is_in_the_example() -> None:
    """Names as whole strings: those that a call or a table of the code reads or sets."""
    code = "\n".join(file.read_text() for top in ("ganpipe", "stages") for file in (ROOT / top).rglob("*.py"))
    read = set(re.findall(r"[\"']((?:GANPIPE|MLFLOW)_[A-Z_]+)[\"']", code))
    assert "GANPIPE_DATA_ROOT" in read
    example = (ROOT / ".env.example").read_text()
    assert set(re.findall(r"^# ((?:GANPIPE|MLFLOW)_[A-Z_]+)=", example, re.MULTILINE)) == read


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_target_of_make_and_every_link_exists(page: Path) -> None:
    text = page.read_text()
    targets = set(re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"(?:`|^\$ )make ([a-z-]+)", text, re.MULTILINE)) <= targets
    for link in re.findall(r"\]\((?!http|#)([^)#]+)", text):
        assert (page.parent / link).exists() or link == "variants/index.md", link


@pytest.mark.slow
def test_the_site_has_a_page_for_each_variant_with_formulas_file_and_sources(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "docs/pages.py", str(tmp_path)], cwd=ROOT, check=True)
    built = [sys.executable, "-m", "zensical", "build", "--strict", "-f", str(tmp_path / "zensical.toml")]
    subprocess.run(built, check=True, cwd=tmp_path)
    for file in (ROOT / "variants").glob("*.yaml"):
        if file.stem != "autoencoder_critic":  # shared by variants, none itself
            assert (tmp_path / f"site/variants/{file.stem}/index.html").exists()
    text = (tmp_path / "pages/variants/wgan_gp.md").read_text()
    assert "f - r" in text
    assert "`weight` = `10.0`" in text
    assert "extends: wgan" in text
    assert "https://arxiv.org/abs/1704.00028" in text
    assert "which makes critics too simple" in text
