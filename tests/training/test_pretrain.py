"""Pre-training: the energy of held-out real samples falls, and the weights fit the game's critic."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from training_cases import RUNTIME, digits, points

from ganpipe.optimizers.adam import Adam
from ganpipe.prepared import PreparedDataset
from ganpipe.training.pretrain import Params, run

SMALL = {"kind": "autoencoder", "layers": "dense", "width": 64, "norm": "none", "code": 16}


@pytest.fixture(scope="module")
def data() -> PreparedDataset:
    return digits()


def params_of(steps: int = 150, pack: int = 1, margin: float | None = 0.2, seed: int = 0, **critic: Any) -> Params:
    optimizer = {"kind": "adam", "lr": 0.001, "betas": [0.9, 0.999]}
    return Params.model_validate(
        {
            "critic": SMALL | critic,
            "pretrain": {"steps": steps, "seed": seed, "optimizer": optimizer},
            "pack": pack,
            "batch": 30,
            "margin": margin,
        }
    )


def energy_of(file: Path, work: Params, data: PreparedDataset) -> float:
    net = work.critic.build((work.pack * data.shape[0], *data.shape[1:]))
    net.load_state_dict(load_file(file))
    net.eval()
    x = torch.from_numpy(data.test).float() / 127.5 - 1 if data.form == "images" else torch.from_numpy(data.test)
    x = x / data.scale if data.form == "points" else x
    whole = len(x) // work.pack
    x = x[: whole * work.pack].reshape(whole, work.pack * data.shape[0], *data.shape[1:])
    with torch.no_grad():
        return float(net(x).score.mean())


def test_the_energy_of_real_digits_falls(
    data: PreparedDataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    work = params_of()
    facts = run("pretrain ebgan", work, RUNTIME, data, tmp_path)
    assert facts["energy_after"] < 0.4 * facts["energy_before"]
    variance = float(((data.test / 127.5 - 1) - (data.train / 127.5 - 1).mean(0)).__pow__(2).mean())
    assert facts["energy_after"] < 0.6 * variance  # better than saying the mean image every time
    assert facts["energy_after"] == pytest.approx(energy_of(tmp_path / "critic.safetensors", work, data), rel=1e-5)
    assert facts["energy_over_margin"] == facts["energy_after"] / 0.2
    assert (facts["steps"], facts["margin"]) == (150, 0.2)
    assert [file.name for file in tmp_path.iterdir()] == ["critic.safetensors"]
    assert "pretrain ebgan" in capsys.readouterr().err


def test_it_is_its_seeds(data: PreparedDataset, tmp_path: Path) -> None:
    found = []
    for i, seed in enumerate((0, 0, 1)):
        torch.manual_seed(i)
        (tmp_path / str(i)).mkdir()
        facts = run("x", params_of(3, seed=seed), RUNTIME, data, tmp_path / str(i))
        found.append((facts, (tmp_path / str(i) / "critic.safetensors").read_bytes()))
    assert found[0] == found[1]
    assert found[0][1] != found[2][1]


def test_a_rate_that_decays_shows_from_the_second_step_on(data: PreparedDataset, tmp_path: Path) -> None:
    for steps in (1, 2):
        work, found = params_of(steps), []
        for name, rate in (
            ("constant", 0.001),
            ("linear", {"kind": "linear", "start": 0.001, "end": 0.0, "until": 1.0}),
        ):
            optimizer = Adam.model_validate({"kind": "adam", "lr": rate, "betas": [0.9, 0.999]})
            pretrain = work.pretrain.model_copy(update={"optimizer": optimizer})
            (folder := tmp_path / f"{steps}{name}").mkdir()
            run("x", work.model_copy(update={"pretrain": pretrain}), RUNTIME, data, folder)
            found.append((folder / "critic.safetensors").read_bytes())
        assert (found[0] == found[1]) == (steps == 1)


@pytest.mark.parametrize("layers", ["dense", "convolutions"])
def test_packs_are_pretrained_as_packs(layers: str, data: PreparedDataset, tmp_path: Path) -> None:
    work = params_of(5, pack=3, margin=None, layers=layers, width=8)
    facts = run("x", work, RUNTIME, data, tmp_path)
    assert facts["energy_after"] == pytest.approx(energy_of(tmp_path / "critic.safetensors", work, data), rel=1e-5)
    assert facts["energy_over_margin"] is None


def test_batch_norm_is_judged_in_evaluation_mode(data: PreparedDataset, tmp_path: Path) -> None:
    work = params_of(20, norm="batch")
    facts = run("x", work, RUNTIME, data, tmp_path)
    assert facts["energy_after"] == pytest.approx(energy_of(tmp_path / "critic.safetensors", work, data), rel=1e-5)


def test_points_are_reconstructed_in_their_scale(tmp_path: Path) -> None:
    work, data = params_of(100, width=32, code=2), points()
    facts = run("x", work, RUNTIME, data, tmp_path)
    assert facts["energy_after"] < 0.5 * facts["energy_before"]
    assert facts["energy_after"] == pytest.approx(energy_of(tmp_path / "critic.safetensors", work, data), rel=1e-5)


def test_batch_statistics_are_of_training_samples_alone(data: PreparedDataset, tmp_path: Path) -> None:
    """After one step each running mean is a tenth of one batch's; the energy of the test split leaves no trace."""
    run("pretrain", params_of(steps=1, norm="batch"), RUNTIME, data, tmp_path)
    weights = load_file(tmp_path / "critic.safetensors")
    assert {int(value) for name, value in weights.items() if name.endswith("num_batches_tracked")} == {1}


def test_it_runs_in_the_precision_of_the_runtime(data: PreparedDataset, tmp_path: Path) -> None:
    runtimes = [RUNTIME.model_copy(update={"precision": precision}) for precision in ("float32", "bfloat16")]
    exact, rounded = (run("pretrain", params_of(steps=1), of, data, tmp_path / of.precision) for of in runtimes)
    for name in ("energy_before", "energy_after"):
        assert rounded[name] != exact[name]
        assert rounded[name] == pytest.approx(exact[name], rel=0.02)
