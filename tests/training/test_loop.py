"""A whole training: every documented file, and samples that come from the weights beside them."""

from __future__ import annotations

import csv
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from training_cases import CPU, OTHER_ROWS, PARAMS, RUNTIME, contents, digits, points, variant

from ganpipe.batches import DataTransform
from ganpipe.config.overlay import merge, merged
from ganpipe.config.variant import Variant
from ganpipe.prepared import PreparedDataset
from ganpipe.training.checkpoint import SWITCH, Checkpoint
from ganpipe.training.grids import draw_grid
from ganpipe.training.loop import Outcome, TrainingArguments, configure, train
from ganpipe.training.sampling import Sampler

FILES = {
    "history.csv",
    "generator.safetensors",
    "generator_ema.safetensors",
    "critic.safetensors",
    "samples.npy",
    "samples_ema.npy",
    "grids/000000.png",
    "grids/000010.png",
    "grids/000020.png",
    "snapshots/000010.npy",
    "snapshots/000010_ema.npy",
    "snapshots/000020.npy",
    "snapshots/000020_ema.npy",
}


@pytest.fixture(scope="module")
def data() -> dict[str, PreparedDataset]:
    return {"digits": digits(), "convolutions": digits(), "points": points()}


def run(row: str, space: str, data: PreparedDataset, out: Path, seed: int = 0, **changes: Any) -> Outcome:
    pretrained = changes.pop("pretrained", None)
    return train(
        TrainingArguments(f"{row}/{seed}", variant(row, space, **changes), RUNTIME, data, seed, out, pretrained)
    )


@pytest.mark.parametrize(("row", "space"), [("lsgan", "digits"), ("wgan_gp", "convolutions"), ("rpgan", "points")])
def test_twenty_steps_write_every_documented_file(
    row: str, space: str, data: dict[str, PreparedDataset], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clocks = run(row, space, data[space], tmp_path / "run").clocks
    assert set(contents(tmp_path / "run")) == FILES
    assert set(clocks) == {"training_seconds", "steps_per_second", "ms_per_sample"}
    assert clocks["steps_per_second"] == pytest.approx(20 / clocks["training_seconds"])
    assert f"{row}/0" in capsys.readouterr().err
    chosen = variant(row, space)
    for name in ("samples.npy", "samples_ema.npy"):
        made = np.load(tmp_path / "run" / name, allow_pickle=False)
        assert made.shape == (100, *data[space].shape)
        assert made.dtype == data[space].train.dtype
        assert len(np.unique(made.reshape(100, -1), axis=0)) > 50
        net = chosen.generator.build(chosen.latent.size, data[space].shape)
        net.load_state_dict(
            load_file(tmp_path / "run" / name.replace("samples", "generator").replace("npy", "safetensors"))
        )
        space_of = DataTransform(data[space].form, data[space].scale)
        again = Sampler(chosen.latent, space_of, 0, 8, CPU).sample(net, 100, "samples")
        np.testing.assert_array_equal(made, again)
    assert not np.array_equal(made, np.load(tmp_path / "run" / "samples.npy"))
    chosen.critic.build(data[space].shape).load_state_dict(load_file(tmp_path / "run" / "critic.safetensors"))


@pytest.mark.parametrize("row", ["wgan_gp", "began", "feature_matching", "vae", "ebm"])
def test_the_history_has_a_row_every_so_many_steps_and_at_the_end(
    row: str, data: dict[str, PreparedDataset], tmp_path: Path
) -> None:
    run(row, "points", data["points"], tmp_path, steps=13, log_every=5)
    with (tmp_path / "history.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["step"] for row in rows] == ["5", "10", "13"]
    scores = {"real_score", "fake_score"}
    names = {
        "vae": {"generator_loss", "reconstruction", "kl", "held_out_loss"},
        "ebm": {"critic_loss", *scores},
        "feature_matching": {"critic_loss", "generator_loss", "active_hinge", *scores},
    }.get(row, {"critic_loss", "generator_loss", *scores})
    if row not in ("vae", "ebm"):
        names |= {"critic_gradient", "generator_gradient"}
    chosen = variant(row, "points")
    names |= {"step"} | {penalty.kind for penalty in chosen.penalties} | set(chosen.objective.initial_state(CPU))
    names |= {"sample_variance", "sample_change"}  # after 6 steps the former, after 13 both
    assert set(rows[0]) - {"status"} == names  # after so few steps some have collapsed
    assert next(iter(rows[0])) == "step"
    filled = [value for line in rows[:2] for name, value in line.items() if not name.startswith(("sample_", "status"))]
    assert [bool(line["sample_variance"]) for line in rows] == [False, True, True]
    assert [bool(line["sample_change"]) for line in rows] == [False, False, True]
    assert np.isfinite([float(value) for value in filled]).all()


def test_grids_are_written_before_the_first_step_every_so_many_and_at_the_end(
    data: dict[str, PreparedDataset], tmp_path: Path
) -> None:
    run("lsgan", "digits", data["digits"], tmp_path, steps=9, sample_grid_every=4)
    found = sorted((tmp_path / "grids").iterdir())
    assert [path.name for path in found] == ["000000.png", "000004.png", "000008.png", "000009.png"]
    with Image.open(found[0]) as image:
        assert image.mode == "L"
        assert image.size == (4 * 73, 4 * 73)  # eight images of 8 pixels and nine lines, enlarged
    assert len({path.read_bytes() for path in found}) == 4


def test_a_run_is_the_same_bytes_again_and_its_seeds(data: dict[str, PreparedDataset], tmp_path: Path) -> None:
    torch.manual_seed(1)
    run("ebgan", "digits", data["digits"], tmp_path / "a")
    torch.manual_seed(2)
    run("ebgan", "digits", data["digits"], tmp_path / "b")
    run("ebgan", "digits", data["digits"], tmp_path / "c", seed=1)
    a, b, c = (contents(tmp_path / name) for name in "abc")
    assert a == b
    assert all(a[name] != c[name] for name in FILES)


@pytest.mark.parametrize("row", ["lsgan", "sngan", "generator_ensemble", *OTHER_ROWS])
def test_hooks_do_not_change_the_training(
    row: str, data: dict[str, PreparedDataset], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However often snapshots, grids, rows of the history and checkpoints are written, and with a progress bar."""
    run(row, "digits", data["digits"], tmp_path / "plain", steps=7, snapshots={"count": 1, "num_samples": 100})
    monkeypatch.setenv(SWITCH, "0")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    out = tmp_path / "often"
    snapshots = {"count": 2, "steps": [1, 2, 5], "num_samples": 150}
    often = variant(row, "digits", steps=7, snapshots=snapshots, log_every=1, sample_grid_every=1)
    checkpoint = Checkpoint(tmp_path / "kept", "key", out)
    train(TrainingArguments(row, often, RUNTIME, data["digits"], 0, out, checkpoint=checkpoint))
    assert {int(path.stem[:6]) for path in (out / "snapshots").iterdir()} == {1, 2, 4, 5, 7}
    results = [path for path in (tmp_path / "plain").iterdir() if path.suffix in (".safetensors", ".npy")]
    assert results
    for path in results:  # the weights beside another spec, which stands in the metadata
        read = load_file if path.suffix == ".safetensors" else np.load
        torch.testing.assert_close(read(path), read(out / path.name), rtol=0, atol=0)


def test_the_critic_starts_from_its_pretrained_weights(data: dict[str, PreparedDataset], tmp_path: Path) -> None:
    run("ebgan", "points", data["points"], tmp_path / "first")
    file = tmp_path / "first" / "critic.safetensors"
    still = {"critic_optimizer": {"lr": 1e-30}, "steps": 1}
    run("ebgan", "points", data["points"], tmp_path / "second", seed=5, pretrained=file, **still)
    before, after = load_file(file), load_file(tmp_path / "second" / "critic.safetensors")
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_samples_of_the_average_are_those_of_recalibrated_statistics(
    data: dict[str, PreparedDataset], tmp_path: Path
) -> None:
    """The buffers of the averaged generator are not the ones that it copied from the last one."""
    run("lsgan", "digits", data["digits"], tmp_path, generator={"norm": "batch"})
    raw, averaged = (load_file(tmp_path / f"generator{suffix}.safetensors") for suffix in ("", "_ema"))
    statistics = [name for name in raw if "running" in name]
    assert statistics
    assert all(not torch.allclose(raw[name], averaged[name], rtol=1e-3) for name in statistics)
    assert {int(averaged[name]) for name in averaged if name.endswith("num_batches_tracked")} == {20}


def test_no_step_depends_on_samples_beyond_the_limit(data: dict[str, PreparedDataset], tmp_path: Path) -> None:
    few = replace(data["digits"], limit=20)
    alone = replace(few, train=few.train[few.seen], train_labels=few.train_labels[few.seen], limit=None)
    for name, one in (("few", few), ("alone", alone)):
        run("cgan", "digits", one, tmp_path / name)
    for file in ("critic.safetensors", "samples.npy"):
        assert (tmp_path / "few" / file).read_bytes() == (tmp_path / "alone" / file).read_bytes()


def test_points_are_written_in_their_own_units(data: dict[str, PreparedDataset], tmp_path: Path) -> None:
    run("lsgan", "points", data["points"], tmp_path / "a", steps=1)
    one = data["points"]
    larger = PreparedDataset(
        10 * one.train, one.train_labels, 10 * one.test, one.test_labels, 1, 10 * one.scale, one.modes, one.mode_std
    )
    run("lsgan", "points", larger, tmp_path / "b", steps=1)
    a, b = (np.load(tmp_path / name / "samples.npy") for name in "ab")
    np.testing.assert_allclose(10 * a, b, rtol=1e-3, atol=1e-3)


def test_configure_sets_the_threads_of_the_spec() -> None:
    configure(RUNTIME.model_copy(update={"threads": 2}))
    assert torch.get_num_threads() == 2
    configure(RUNTIME)
    assert torch.get_num_threads() == 1


CODE = """
import sys
from pathlib import Path
sys.path[:0] = sys.argv[1:]
from training_cases import RUNTIME, digits, variant
from ganpipe.training.checkpoint import SWITCH, Checkpoint
from ganpipe.training.grids import draw_grid
from ganpipe.training.loop import TrainingArguments, configure, train
configure(RUNTIME)
for row in ("lsgan", "wgan"):
    train(TrainingArguments("", variant(row, "digits", steps=1), RUNTIME, digits(), 0, Path(sys.argv[1])))
print("torch._dynamo" in sys.modules)
"""


def test_a_training_does_not_import_torchs_compiler(tmp_path: Path) -> None:
    """It takes three CPU seconds. `use_deterministic_algorithms` imports it, so it is called only to switch it on."""
    paths = [str(tmp_path), str(Path(__file__).parent), str(Path(__file__).parents[2])]
    done = subprocess.run([sys.executable, "-c", CODE, *paths], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "False\n"


# ---- grids ----


@pytest.mark.parametrize(("n", "channels"), [(1, 1), (4, 1), (5, 3), (64, 3)])
def test_the_grid_shows_every_image_once_in_reading_order(n: int, channels: int) -> None:
    images = np.arange(n * channels * 16, dtype=np.int64).reshape(n, channels, 4, 4) * 7 % 251
    picture = draw_grid(images.astype(np.uint8), images)
    columns = int(np.ceil(np.sqrt(n)))
    factor = picture.width // (5 * columns + 1)
    assert factor >= 1
    assert picture.mode == ("L" if channels == 1 else "RGB")
    pixels = np.asarray(picture).reshape(picture.height, picture.width, channels)[::factor, ::factor]
    for i in range(n):
        y, x = divmod(i, columns)
        tile = pixels[5 * y + 1 : 5 * y + 5, 5 * x + 1 : 5 * x + 5]
        np.testing.assert_array_equal(tile.transpose(2, 0, 1), images[i])
    assert (pixels[::5] == 128).all()


def test_the_scatter_shows_points_where_they_are() -> None:
    reference = np.array([[-1.0, -1.0], [1.0, 1.0]], np.float32)
    picture = np.asarray(draw_grid(np.array([[1.0, 1.0], [50.0, 0.0]], np.float32), reference))
    red, grey = (picture[..., :3] == colour for colour in ((200, 30, 60), (190, 190, 190)))
    (y, x), (other_y, other_x) = (np.argwhere(mask.all(2)).mean(0) for mask in (red, grey))
    assert x > 200 > y  # top right
    assert other_x < 100 < other_y  # bottom left
    assert red.all(2).sum() == 4  # the point that lies outside is not drawn


def test_the_last_moment_is_the_end_of_the_training(data: dict[str, PreparedDataset], tmp_path: Path) -> None:
    run("lsgan", "digits", data["digits"], tmp_path, num_samples=100)
    chosen, space = variant("lsgan", "digits"), DataTransform("images", 1.0)
    for suffix in ("", "_ema"):
        net = chosen.generator.build(chosen.latent.size, (1, 8, 8))
        net.load_state_dict(load_file(tmp_path / f"generator{suffix}.safetensors"))
        again = Sampler(chosen.latent, space, 0, 8, CPU).sample(net, 100, "moment")
        np.testing.assert_array_equal(np.load(tmp_path / "snapshots" / f"000020{suffix}.npy"), again)


@pytest.mark.parametrize(("row", "space"), [("lsgan", "digits"), ("wgan_gp", "points"), ("rpgan", "convolutions")])
def test_a_training_that_is_no_longer_finite_ends_with_its_verdict(
    row: str, space: str, data: dict[str, PreparedDataset], tmp_path: Path
) -> None:
    huge = {"lr": 1e9}  # the largest that a rate may be
    outcome = run(
        row, space, data[space], tmp_path, steps=400, generator_optimizer=huge, critic_optimizer=huge, log_every=1000
    )
    assert outcome.status is not None
    assert outcome.status.kind == "not_finite"
    assert outcome.status.step <= 100
    assert f"at step {outcome.status.step}" in outcome.status.reason
    with (tmp_path / "history.csv").open(newline="") as file:
        last = list(csv.DictReader(file))[-1]
    assert last["step"] == str(outcome.status.step)
    assert not all(np.isfinite(float(value)) for value in last.values() if value)
    assert last["status"] == "1.0"
    there = set(contents(tmp_path))
    assert {"samples.npy", "samples_ema.npy", "generator.safetensors", "critic.safetensors"} <= there
    assert not any(name.startswith("snapshots/") for name in there)


def test_weights_that_the_last_update_breaks_are_not_finite(data: dict[str, PreparedDataset], tmp_path: Path) -> None:
    """The metrics of that step are those from before it, and what is no number becomes a black pixel."""
    huge = {"lr": 1e6}
    rates = {"generator_optimizer": huge, "critic_optimizer": huge}
    outcome = run("lsgan", "digits", data["digits"], tmp_path, steps=1, **rates)
    assert not all(bool(value.isfinite().all()) for value in load_file(tmp_path / "generator.safetensors").values())
    assert outcome.status is not None
    assert outcome.status.kind == "not_finite"
    assert "generator is not finite at step 1" in outcome.status.reason


def test_a_generator_that_does_not_move_has_stalled(data: dict[str, PreparedDataset], tmp_path: Path) -> None:
    still = {"generator_optimizer": {"lr": 1e-30}, "generator": {"norm": "none"}}
    outcome = run(
        "lsgan", "digits", data["digits"], tmp_path, **still, health={"min_variance_ratio": 0.0, "min_vendi_ratio": 0.0}
    )
    assert outcome.status is not None
    assert outcome.status.kind == "stalled"
    assert outcome.status.step == 20
    with (tmp_path / "history.csv").open(newline="") as file:
        assert list(csv.DictReader(file))[-1]["status"] == "1.0"


@pytest.mark.slow
@pytest.mark.parametrize(("times", "kind"), [(100, "collapsed"), (1, None)])
def test_a_generator_with_a_hundred_times_its_rate_has_collapsed(
    times: float, kind: str | None, data: dict[str, PreparedDataset], tmp_path: Path
) -> None:
    """As the variant stands but for its length: images of a few kinds, which differ as much as real ones do."""
    row = merged(PARAMS["train"], PARAMS["variants"]["non_saturating"], "images", "digits")
    rate = row["generator_optimizer"]["lr"] * times
    few = {
        "steps": 400,
        "num_samples": 100,
        "snapshots": {"count": 1, "num_samples": 500},
        "generator_optimizer": {"lr": rate},
    }
    outcome = train(
        TrainingArguments("hot", Variant.model_validate(merge(row, few)), RUNTIME, data["digits"], 0, tmp_path)
    )
    assert (outcome.status.kind if outcome.status else None) == kind
    with (tmp_path / "history.csv").open(newline="") as file:
        last = list(csv.DictReader(file))[-1]
    assert float(last["sample_variance"]) > 0.3
    assert last.get("status", "") == ("1.0" if kind else "")
    if outcome.status:
        assert "times that of as many real ones at step 400" in outcome.status.reason
    else:
        assert float(last["sample_vendi"]) > 0.4
