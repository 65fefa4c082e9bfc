"""The grids of a training as one moving picture: every frame in order, or one sentence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganpipe.report.animation import animate_run
from ganpipe.utils.errors import UserError


def run_of(folder: Path, shades: tuple[int, ...] = (0, 120, 255)) -> Path:
    (folder / "grids").mkdir(parents=True)
    for step, shade in enumerate(shades):
        Image.new("L", (20, 10), shade).save(folder / "grids" / f"{step * 100:06d}.png")
    return folder


@pytest.mark.parametrize("suffix", ["webp", "GIF"])
def test_the_frames_are_the_grids_in_order_and_the_last_one_stays(tmp_path: Path, suffix: str) -> None:
    output = tmp_path / f"film.{suffix}"
    animate_run(run_of(tmp_path / "run"), output)
    with Image.open(output) as film:
        assert (film.format, film.n_frames, film.info["loop"]) == (suffix.upper(), 3, 0)
        shades, durations = [], []
        for frame in range(3):
            film.seek(frame)
            film.load()
            shades.append(int(np.asarray(film.convert("L")).mean()))
            durations.append(film.info["duration"])
    assert shades == [0, 120, 255]
    assert durations == [200, 200, 2000]


def test_one_grid_is_a_picture(tmp_path: Path) -> None:
    animate_run(run_of(tmp_path / "run", (7,)), tmp_path / "film.webp")
    with Image.open(tmp_path / "film.webp") as film:
        assert (film.size, film.n_frames) == ((20, 10), 1)


def test_mistakes_are_one_sentence(tmp_path: Path) -> None:
    run = run_of(tmp_path / "run")
    with pytest.raises(UserError, match=r"which is no WebP or GIF: give it a name that ends in \.webp or \.gif\."):
        animate_run(run, tmp_path / "film.mp4")
    with pytest.raises(UserError, match=r"has no pictures in .*: train it first, or run `dvc checkout`"):
        animate_run(tmp_path, tmp_path / "film.gif")
    with pytest.raises(UserError, match="cannot be written"):
        animate_run(run, run / "grids/000000.png/film.gif")
    (run / "grids/000100.png").write_bytes(b"half")
    with pytest.raises(UserError, match=r"000100\.png is no PNG that can be read"):
        animate_run(run, tmp_path / "film.gif")
    assert not (tmp_path / "film.gif").exists()
