"""Curves and pictures: what is drawn, what is cut, and what is stated where nothing can be drawn."""

from __future__ import annotations

import base64
import io
import json
import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganpipe.report.charts import MAX_POINTS, mean_curve, over_steps, thinned
from ganpipe.report.evaluations import Classes
from ganpipe.report.pictures import HEIGHT, MAX_BARS, histogram, picture, progression, thumbnail
from ganpipe.report.read import Grid, Series


def series(values: list[float], every: int = 10) -> Series:
    return Series(tuple(every * (index + 1) for index in range(len(values))), tuple(values))


def test_mean_curve_where_all_seeds_have_a_value() -> None:
    mean = mean_curve([Series((10, 20, 30), (1.0, 2.0, math.nan)), Series((10, 30, 40), (3.0, 1.0, 1.0))])
    assert mean.steps == (10, 30)
    assert mean.values[0] == 2.0
    assert math.isnan(mean.values[1])


def test_long_curves_are_averaged_in_groups() -> None:
    short = series([1.0, 2.0, 3.0])
    assert thinned(short) == short
    long = thinned(series([float(i) for i in range(2 * MAX_POINTS)]))
    assert len(long.steps) == MAX_POINTS
    assert long.values[:2] == (0.5, 2.5)
    assert long.steps[-1] == 20 * MAX_POINTS


def test_a_chart_has_every_seed_and_their_mean() -> None:
    drawn = over_steps("critic_loss", {"seed 0": series([1.0, 2.0]), "seed 1": series([1.25, 2.5])}, with_mean=True)
    assert (drawn.title, drawn.note) == ("critic loss", "")
    assert drawn.spec["lines"] == [
        {"name": "mean", "points": [[10, 1.125], [20, 2.25]]},
        {"name": "seed 0", "points": [[10, 1.0], [20, 2.0]]},
        {"name": "seed 1", "points": [[10, 1.25], [20, 2.5]]},
    ]
    assert drawn.summary == "critic loss over the steps: from 1 to 2.50, at the end 2.25"


def test_a_peak_is_cut_and_stated() -> None:
    drawn = over_steps("loss", {"seed 0": series([5000.0] + [math.sin(i) for i in range(120)])})
    assert drawn.note == "axis cut, values from \u22121.00 to 5\u2009000"
    low, high = drawn.spec["domain"]
    assert -1.2 < low < -1 < 1 < high < 1.2


@pytest.mark.parametrize("value", [math.nan, -math.inf, 1e200])
def test_values_that_no_axis_can_show_are_gaps(value: float) -> None:
    drawn = over_steps("loss", {"seed 0": series([1.0, value, 2.0])})
    assert drawn.note == "1 value not finite"
    assert [y for _, y in drawn.spec["lines"][0]["points"]] == [1.0, None, 2.0]
    json.dumps(drawn.spec, allow_nan=False)
    assert over_steps("loss", {"seed 0": series([value, value])}).empty


def test_pictures_are_shown_at_a_whole_multiple_of_their_pixels(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (17, 34), dtype=np.uint8)
    Image.fromarray(pixels).resize((136, 68), Image.Resampling.NEAREST).save(tmp_path / "a.png")
    shown = picture(Grid(0, tmp_path / "a.png"), "x", target=110)
    assert (shown.width, shown.pixelated) == (102, True)
    inside = Image.open(io.BytesIO(base64.b64decode(shown.uri.split(",")[1])))
    assert np.array_equal(np.asarray(inside), pixels)
    large = np.random.default_rng(0).integers(0, 256, (320, 320, 3), dtype=np.uint8)
    for name, array, width, pixelated in (("b", large, 200, False), ("c", np.zeros((64, 64), np.uint8), 192, True)):
        Image.fromarray(array).save(tmp_path / f"{name}.png")
        shown = picture(Grid(0, tmp_path / f"{name}.png"), "x", target=200)
        assert (shown.width, shown.pixelated) == (width, pixelated)


def test_the_thumbnail_of_large_images_is_a_quarter_of_the_grid(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (265, 265, 3), dtype=np.uint8)  # 8 x 8 images of 32 pixels
    Image.fromarray(pixels).save(tmp_path / "a.png")
    shown = thumbnail(Grid(0, tmp_path / "a.png"), "x", target=216)
    inside = Image.open(io.BytesIO(base64.b64decode(shown.uri.removeprefix("data:image/webp;base64,"))))
    assert (inside.size, shown.width, shown.pixelated) == ((133, 133), 216, True)
    found = np.asarray(inside.convert("RGB")).astype(float).reshape(-1)
    assert np.corrcoef(found, pixels[:133, :133].reshape(-1))[0, 1] > 0.3  # noise, which WebP keeps in part


@pytest.mark.parametrize("most", [2, 7])
def test_progression_keeps_first_and_last_and_the_order(most: int) -> None:
    for total in range(1, 60):
        grids = [Grid(step, Path()) for step in range(total)]
        steps = [chosen.step for chosen in progression(grids, most)]
        assert len(steps) == min(most, total)
        assert steps == sorted(set(steps))
        assert (steps[0], steps[-1]) == (0, total - 1)


def test_histogram() -> None:
    raw = ((1.0, 0.0), (0.5, 0.5), (None, None))
    classes = Classes(names=("a", "b"), real=(0.5, 0.5), raw=raw)
    drawn = histogram(classes, "raw")
    assert drawn is not None
    assert drawn.lost == 1
    assert [bar.real for bar in drawn.bars] == [HEIGHT / 2, HEIGHT / 2]
    assert [bar.mean for bar in drawn.bars] == [HEIGHT * 0.75, HEIGHT * 0.25]
    assert drawn.bars[0].dots == (HEIGHT, HEIGHT / 2)
    assert drawn.bars[0].tooltip == "a: real 50 %, generated 75 %"
    assert histogram(classes, "ema") is None


def test_many_classes_are_outlines() -> None:
    n = MAX_BARS + 1
    one_class = (1.0,) + (0.0,) * (n - 1)
    drawn = histogram(Classes(names=tuple(map(str, range(n))), real=(1 / n,) * n, raw=(one_class,)), "raw")
    assert drawn is not None
    assert drawn.bars == ()
    assert drawn.mean_outline.startswith(f"M0 {HEIGHT}V0.0H")
