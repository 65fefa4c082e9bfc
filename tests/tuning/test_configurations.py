"""What is drawn: the same on every machine, more of it without a change of the first, and into the right places."""

from __future__ import annotations

from math import inf
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ganpipe.config import configuration
from ganpipe.config.tuning import Dimension, Tuning, draw
from ganpipe.evaluation.experiments import validation_split
from ganpipe.pipeline.clean import leftovers
from ganpipe.prepared import PreparedDataset
from ganpipe.report.evaluations import Metric
from ganpipe.tuning import specs
from ganpipe.tuning.draws import Draw
from ganpipe.utils.errors import UserError


def chosen(**changes: Any) -> configuration.Configuration:
    found = configuration.load(Path("params.yaml"))
    return found.model_copy(update={"tune": Tuning.model_validate(found.tune.model_dump() | changes)})


def dimension(key: str, low: float, high: float, scale: str) -> Dimension:
    return Dimension.model_validate({"key": key, "low": low, "high": high, "scale": scale})


def test_numbers_by_hand() -> None:
    settings = {
        "generator_optimizer": {
            "lr": {"kind": "linear", "start": 0.01, "end": 0.002, "until": 1.0},
            "betas": [0.5, 0.9],
        },
        "penalties": [{"kind": "r1", "weight": 2.0}, {"kind": "r2", "weight": 4.0}],
        "algorithm": {"critic_steps": 1},
    }
    found = draw(
        settings,
        [
            (dimension("generator_optimizer.lr", 0.0001, 1.0, "log"), 0.25),
            (dimension("generator_optimizer.betas.0", 0.0, 0.8, "linear"), 0.5),
            (dimension("penalties.*.weight", 0.1, 10.0, "factor"), 0.75),
            (dimension("algorithm.critic_steps", 1, 5, "whole"), 0.99),
            (dimension("critic_optimizer.lr", 0.1, 1.0, "log"), 0.5),
        ],
    )
    assert settings["generator_optimizer"] == {
        "lr": {"kind": "linear", "start": 0.001, "end": pytest.approx(0.0002), "until": 1.0},
        "betas": [0.4, 0.9],
    }
    assert [one["weight"] for one in settings["penalties"]] == [6.325, 12.65]  # 10 ** .5 of each
    assert settings["algorithm"] == {"critic_steps": 5}
    assert list(found.values()) == [0.001, 0.4, 6.325, 12.65, 5]


def test_the_sequence_is_the_same_everywhere_and_grows_at_its_end() -> None:
    few, many = (chosen(draws=list(range(n))).tune.points() for n in (3, 40))
    assert few == {index: many[index] for index in range(3)}
    assert few[0] == pytest.approx([0.40995, 0.96412, 0.857655, 0.663763, 0.257494, 0.64746], abs=1e-6)
    cells = np.floor(8 * np.array([*chosen(draws=list(range(8))).tune.points().values()]))
    assert (np.sort(cells, axis=0) == np.arange(8)[:, None]).all()  # each eighth once in each dimension


def test_a_variant_gets_what_it_has() -> None:
    c = chosen()
    gan, gp, vae = (specs.configurations(c, name, "digits")[0][1] for name in ("lsgan", "wgan_gp", "vae"))
    assert gan.keys() == gp.keys() - {"penalties.0.weight"}
    assert {key: gp[key] for key in gan} == gan
    assert vae.keys() == {"generator_optimizer.lr", "generator_optimizer.betas.0"}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"variants": ["lsgam"]}, "tune.variants.0 is 'lsgam': did you mean lsgan? known: "),
        ({"variants": ["lsgan", "lsgan"]}, "tune.variants has lsgan twice: remove the repeated one."),
        ({"draws": [0, 1, 1]}, "tune.draws is [0, 1, 1]: each may stand there once"),
        ({"variants": ["pix2pix"]}, "tune.variants has pix2pix, which makes no sense on ring: "),
        ({"settings": {"stepz": 3}}, "tune.settings is illegal for non_saturating: stepz is 3, but no such key "),
        (
            {
                "space": [
                    {"key": "generator_optimizer.lr", "low": 0.1, "high": 1.0, "scale": of} for of in ("log", "factor")
                ]
            },
            "tune.space names generator_optimizer.lr twice: remove one of the two.",
        ),
        (
            {"space": [{"key": "critic.slope", "low": 0.1, "high": 1.0, "scale": "log"}]},
            "tune.space.0.key is 'critic.slope', which is a number in none of non_saturating, ",
        ),
        (
            {"space": [{"key": "generator_optimizer.betas.0", "low": 0.0, "high": 2.0, "scale": "linear"}]},
            "tune.space makes generator_optimizer.betas.0 ",
        ),
    ],
)
def test_a_mistake_is_one_sentence(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UserError) as error:
        specs.build(chosen(**changes), Path(), "ring")
    assert str(error.value).startswith(sentence)


def test_the_validation_split_comes_from_the_training_split() -> None:
    train, test = np.arange(100, dtype=np.float32)[:, None], np.full((7, 1), 500, np.float32)
    data = PreparedDataset(train, np.arange(100), test, np.zeros(7, np.int64), classes=100)
    found = validation_split(data, 0.2, seed=0)
    assert (len(found.train), len(found.test)) == (80, 20)
    assert sorted(np.concatenate([found.train, found.test])[:, 0]) == list(range(100))
    assert (found.test[:, 0] == found.test_labels).all()
    assert (validation_split(data, 0.2, seed=0).test == found.test).all()
    assert (validation_split(data, 0.2, seed=1).test != found.test).any()


def test_what_is_no_longer_drawn_is_a_leftover(tmp_path: Path) -> None:
    """The best are chosen from all draws that lie there, so those of before have to go; all else stays."""
    stay = ["tune/draws/ring/lsgan/1/draw.json", "tune/winners/ring/lsgan/winner.json", "reports/tuning-ring.html"]
    stay += ["reports/lecture.html", "reports/ring/variance-lsgan.html", ".ckpt/tune-ring-lsgan-1-0-ab/state"]
    stay += [".ckpt/tune-winner-ring-lsgan-100-ab/state", ".ckpt/lecture-ring-lsgan-0-ab/state"]
    go = ["tune/draws/ring/lsgan/2/draw.json", "tune/winners/ring/vae/winner.json", "reports/tuning-grid.html"]
    for name in (*stay, *go):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = leftovers(chosen(data=["ring"], variants=["lsgan"], draws=[0, 1]), tmp_path)
    gone = {path.relative_to(tmp_path).as_posix() for path in found}
    assert gone == {"tune/draws/ring/lsgan/2", "tune/winners/ring/vae", "reports/tuning-grid.html"}


@pytest.mark.parametrize(("better", "worst"), [("lower", 7.0), ("higher", -7.0)])
def test_a_failed_draw_counts_as_the_worst_where_noise_has_no_value(better: str, worst: float) -> None:
    def draw_of(raw: float | None, noise: float | None) -> Draw:
        metric = {"label": "distance", "better": better, "raw": [raw], "ema": [None], "noise_baseline": noise}
        return Draw(0, (Metric.model_validate(metric),), {}, "")

    failed = draw_of(None, None)
    assert failed.badness == inf
    assert failed.no_worse_than(7.0).badness == 7.0
    assert failed.no_worse_than(7.0).metrics[0].noise_baseline == worst
    for other in (draw_of(None, 9.0), draw_of(3.0, None)):
        assert other.no_worse_than(7.0) is other
