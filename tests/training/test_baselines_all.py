"""What holds for every procedure that is no game of two: what a step moves, same bits, and what is written."""

from __future__ import annotations

import csv
import importlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from ganpipe.training.batches import Batches, Space
from ganpipe.training.decoding import Decoding
from ganpipe.training.protocol import Training
from pydantic import ValidationError
from safetensors.torch import load_file
from torch import Tensor, nn
from training_games import CPU, PARAMS, RUNTIME, digits, points

from ganpipe.prepared import PreparedDataset
from ganpipe.rows import merge, merged
from ganpipe.training import sampling
from ganpipe.training.loop import Job, train
from ganpipe.variant import Variant

MLP = {"kind": "mlp", "width": 8, "depth": 1, "norm": "batch"}
DCGAN = {"kind": "dcgan", "width": 4, "norm": "batch"}
ADAM = {"kind": "adam", "lr": 0.01, "betas": [0.5, 0.99]}
NOTHING = {"objective": {"kind": "none"}, "critic": {"kind": "none"}}
ROWS: dict[str, dict[str, Any]] = {
    "autoencoder": NOTHING | {"latent": {"size": 3}, "procedure": {"kind": "autoencoder", "encoder": MLP}},
    "vae": NOTHING | {"latent": {"size": 3}, "procedure": {"kind": "vae", "deviation": 0.3, "encoder": MLP}},
    "gmm": NOTHING
    | {"generator": {"kind": "gmm", "components": 3, "covariance": "diag"}}
    | {"procedure": {"kind": "gmm", "floor": 0.001, "restarts": 1}, "latent": {"size": 3073}},
    "critic_only": {
        "objective": {"kind": "wgan"},
        "generator": {"kind": "gradient_ascent", "steps": 3, "rate": 0.1},
        "critic": {"kind": "mlp", "width": 8, "depth": 1, "norm": "none", "output": "score"},
        "procedure": {"kind": "critic_only", "noise": 0.1},
        "latent": {"kind": "uniform", "size": 3072},
    },
}
DECODERS = ("autoencoder", "vae")
SHAPES = {"images": (1, 8, 8), "points": (2,)}
every_row = pytest.mark.parametrize("row", ROWS)
every_decoder = pytest.mark.parametrize("row", DECODERS)
every_form = pytest.mark.parametrize("form", SHAPES)


def variant(row: str, form: str, **changes: Any) -> Variant:
    whole: dict[str, Any] = {
        **{
            "title": row,
            "steps": 12,
            "batch": 8,
            "samples": 100,
            "log_every": 4,
            "grid_every": 6,
            "ema": 0.9,
            "moments": {"count": 2, "samples": 100},
        },
        **{"generator_optimizer": ADAM, "critic_optimizer": ADAM, "generator": MLP},
    }
    return Variant.model_validate(merge(merged(PARAMS["train"], whole | ROWS[row], form, ""), changes))


def game(row: str, form: str, seed: int = 0, shape: tuple[int, ...] | None = None, **changes: Any) -> Training:
    chosen = variant(row, form, **changes)
    made: Training = importlib.import_module(f"ganpipe.training.{row}").Game(
        chosen, shape or SHAPES[form], RUNTIME, seed, None
    )
    return made


def data(form: str) -> PreparedDataset:
    return digits() if form == "images" else points()


def batches(form: str, seed: int = 0) -> Batches:
    one = data(form)
    return Batches(one.train, 8, Space(form, one.scale), seed, "order", CPU)


def state(at: Training) -> dict[str, Tensor]:
    """Everything that samples come from, and the decoders' encoders."""
    nets = {**at.generators(), **at.networks()}
    if isinstance(at, Decoding):
        nets |= {"pair": at.pair}
    found = {f"{n} {key}": v.detach().clone() for n, net in nets.items() for key, v in net.state_dict().items()}
    # the average's batch statistics are set anew before samples are drawn from it
    return {
        name: v for name, v in found.items() if not (name.startswith("ema") and ("running" in name or "num_" in name))
    }


def same(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
    assert list(a) == list(b)
    return all(torch.equal(a[name], b[name]) for name in a)


def run(row: str, form: str, out: Path, seed: int = 0, **changes: Any) -> dict[str, bytes]:
    train(Job(row, variant(row, form, **changes), RUNTIME, data(form), seed, out))
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*") if path.is_file()}


@every_row
@every_form
def test_same_seed_same_bits_another_seed_others_and_the_global_stream_is_left_alone(row: str, form: str) -> None:
    found = []
    for seed, disturbance in ((0, 1), (0, 2), (1, 1)):
        torch.manual_seed(disturbance)
        np.random.seed(disturbance)
        before, numpy_before = torch.get_rng_state(), np.random.get_state()[1].tolist()  # type: ignore[index]
        at, real = game(row, form, seed), batches(form, seed)
        for _ in range(3):
            at.step(real)
        at.held_out(next(batches(form, 7)))
        at.settle(real)
        assert torch.equal(torch.get_rng_state(), before)
        assert np.random.get_state()[1].tolist() == numpy_before  # type: ignore[index]
        found.append(state(at))
    assert same(found[0], found[1])
    assert not same(found[0], found[2])


@every_row
@every_form
def test_looking_between_steps_changes_nothing(row: str, form: str) -> None:
    found = []
    for looks in (0, 2):
        at, real = game(row, form), batches(form)
        for _ in range(4):
            at.step(real)
            for _ in range(looks):
                at.held_out(next(batches(form, 7)))
                at.settle(real)
                for net in at.generators().values():
                    sampling.sample(net, at.variant.latent, 7, Space(form, 1.0), 0, "shown", CPU)
                    sampling.recalibrate(net, at.variant.latent, 8, 0, CPU) if net is not at.generators()["raw"] else 0
        at.settle(real)
        found.append(state(at))
    assert same(*found)


@every_row
@pytest.mark.parametrize("shape", [(2,), (1,), *((c, size, size) for c in (1, 3) for size in (8, 28, 32))])
def test_it_trains_on_every_shape(row: str, shape: tuple[int, ...]) -> None:
    form = "images" if len(shape) == 3 else "points"
    network: dict[str, Any] = {**(DCGAN if form == "images" else MLP), "norm": "none"}
    changes: dict[str, Any] = {"generator": network, "procedure": {"encoder": network}} if row in DECODERS else {}
    at = game(row, form, shape=shape, **changes)
    assert at.variant.incompatibility(shape) is None
    rng = np.random.default_rng(0)
    rows = rng.integers(0, 256, (20, *shape), np.uint8) if form == "images" else rng.standard_normal((20, *shape))
    real = Batches(rows if form == "images" else rows.astype(np.float32), 8, Space(form, 1.0), 0, "order", CPU)
    for _ in range(2):
        figures = at.step(real) | at.held_out(next(real))
        assert all(value.isfinite() and value.shape == () and not value.requires_grad for value in figures.values())
    at.settle(real)
    for net in at.generators().values():
        made = sampling.sample(net, at.variant.latent, 5, Space(form, 1.0), 0, "test", CPU)
        assert made.shape == (5, *shape)
        assert np.isfinite(made).all()
        assert len(np.unique(made.reshape(5, -1), axis=0)) == 5


@every_decoder
@every_form
def test_a_step_moves_encoder_decoder_and_their_average(row: str, form: str) -> None:
    at = game(row, form, ema=0.75)
    assert isinstance(at, Decoding)
    before, averaged = ({n: p.detach().clone() for n, p in net.named_parameters()} for net in (at.pair, at.average))
    at.step(batches(form))
    after = dict(at.pair.named_parameters())
    biases = {name for name in after if name.endswith("bias")}  # one before batch norm has no effect
    assert {name for name in after if torch.equal(after[name], before[name])} <= biases
    for name, value in at.average.named_parameters():
        torch.testing.assert_close(value, 0.75 * averaged[name] + 0.25 * after[name])
        assert not value.requires_grad
        assert value.grad is None
    statistics = [name for name in at.pair.state_dict() if "running_mean" in name]
    assert any("encoder" in name for name in statistics)
    assert any("decoder" in name for name in statistics)


@every_decoder
def test_held_out_samples_are_seen_in_evaluation_mode_and_move_nothing(row: str) -> None:
    at = game(row, "images")
    assert isinstance(at, Decoding)
    modes: list[bool] = []
    at.pair.encoder.register_forward_hook(lambda module, args, output: modes.append(module.training))
    before = state(at)
    found = at.held_out(next(batches("images")))
    assert same(state(at), before)
    assert modes == [False]
    assert all(module.training for module in at.pair.modules())
    assert not found["held_out_loss"].requires_grad


@every_decoder
@pytest.mark.parametrize("constraint", ["weight_clipping", "spectral_norm"])
def test_constraints_are_on_the_decoder_and_from_the_seed(row: str, constraint: str) -> None:
    limit = {"limit": 0.01} if constraint == "weight_clipping" else {}
    found = []
    for disturbance in (1, 2):
        torch.manual_seed(disturbance)
        at = game(row, "points", constraints=[{"kind": constraint, "player": "generator", **limit}])
        assert isinstance(at, Decoding)
        at.step(batches("points"))
        found.append(state(at))
        if constraint == "weight_clipping":
            nets = at.pair.named_children()
            largest = {n: max(p.abs().max().item() for p in net.parameters() if p.ndim > 1) for n, net in nets}
            assert largest["decoder"] <= 0.01 + 1e-9
            assert largest["encoder"] > 0.02
        else:
            assert {n.split(".")[0] for n in at.pair.state_dict() if n.endswith("original")} == {"decoder"}
    assert same(*found)


def _looks(step: str) -> list[tuple[str, str]]:
    return [(f"grids/{step}", "png"), (f"moments/{step}", "npy"), (f"moments/{step}_ema", "npy")]


@every_row
@every_form
def test_a_run_writes_what_is_documented_and_samples_come_from_its_weights(row: str, form: str, tmp_path: Path) -> None:
    files = run(row, form, tmp_path)
    nets = {"generator.safetensors", "generator_ema.safetensors"} | (
        {"critic.safetensors"} if row == "critic_only" else set()
    )
    looks = {f"{name}.{end}" for step in ("000006", "000012") for name, end in _looks(step)}
    assert set(files) == nets | {"history.csv", "samples.npy", "samples_ema.npy"} | looks
    with (tmp_path / "history.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [line["step"] for line in rows] == ["4", "8", "12"]
    at_moments = ("sample_", "verdict")  # empty in the rows between
    measured = [float(v) for line in rows for name, v in line.items() if v or not name.startswith(at_moments)]
    assert np.isfinite(measured).all()
    losses = {"critic_loss"} if row == "critic_only" else {"generator_loss", "held_out_loss"}
    assert losses == {name for name in rows[0] if name.endswith("_loss")}
    chosen, one = variant(row, form), data(form)
    for suffix in ("", "_ema"):
        net: nn.Module = importlib.import_module(f"ganpipe.training.{row}").Game.build_generator(chosen, one.shape)
        net.load_state_dict(load_file(tmp_path / f"generator{suffix}.safetensors"))
        made = sampling.sample(net, chosen.latent, 100, Space(form, one.scale), 0, "samples", CPU)
        kept = np.load(tmp_path / f"samples{suffix}.npy", allow_pickle=False)
        assert kept.dtype == one.train.dtype
        np.testing.assert_array_equal(made, kept)


@every_row
def test_a_run_is_the_same_bytes_however_often_it_is_looked_at(row: str, tmp_path: Path) -> None:
    torch.manual_seed(1)
    a = run(row, "points", tmp_path / "a", steps=4)
    torch.manual_seed(2)
    b = run(row, "points", tmp_path / "b", steps=4)
    c = run(row, "points", tmp_path / "c", steps=4, log_every=1, grid_every=1)
    assert a == b
    assert all(c[name] == a[name] for name in a if not name.startswith(("history", "grids")))


PENALTY = [{"kind": "r1", "weight": 1.0}]
CLIPPED = [{"kind": "weight_clipping", "player": "critic", "limit": 0.1}]
REFUSED = [
    ("vae", {"latent": {"kind": "uniform", "size": 3}}, "use `latent.kind: normal`"),
    ("autoencoder", {"latent": {"kind": "uniform", "size": 3}}, "use `latent.kind: normal`"),
    ("gmm", {"latent": {"kind": "uniform", "size": 3}}, "use `latent.kind: normal`"),
    ("gmm", {"generator": MLP}, "use `generator.kind: gmm`"),
    ("vae", {"generator": ROWS["gmm"]["generator"]}, "use `procedure.kind: gmm`"),
    ("vae", {"objective": {"kind": "wgan"}}, "has no place in the procedure vae"),
    ("autoencoder", {"penalties": PENALTY}, "is in no loss of the procedure autoencoder"),
    ("vae", {"constraints": CLIPPED}, "has no critic to train"),
    ("gmm", {"constraints": [{**CLIPPED[0], "player": "generator"}]}, "has no generator to train"),
    ("vae", {"procedure": {"deviation": 0.0}}, "greater than 0"),
    ("gmm", {"procedure": {"floor": 0.0}}, "greater than 0"),
]


@pytest.mark.parametrize(("row", "changes", "words"), REFUSED)
def test_combinations_without_sense_are_refused(row: str, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        variant(row, "points", **changes)


@every_decoder
def test_an_encoder_of_convolutions_says_which_data_it_does_not_fit(row: str) -> None:
    chosen = variant(row, "points", procedure={"encoder": DCGAN})
    assert "network for images" in str(chosen.incompatibility((2,)))
    chosen = variant(row, "images", procedure={"encoder": DCGAN})
    assert "square images" in str(chosen.incompatibility((1, 10, 10)))
    assert chosen.incompatibility((1, 16, 16)) is None
