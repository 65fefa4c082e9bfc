"""A training that was killed after any step ends with the bits of one that was not."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from training_cases import OTHER_ROWS, ROWS, RUNTIME, contents, digits, variant

from ganpipe.networks.critics.autoencoder import AutoencoderCritic
from ganpipe.training import classifier, pretrain
from ganpipe.training.checkpoint import SWITCH, Checkpoint
from ganpipe.training.loop import TrainingArguments, train
from ganpipe.training.run_dir import locked_run_dir
from ganpipe.utils import signals as interruption
from ganpipe.utils.signals import Interrupted
from ganpipe.utils.state import Stateful

STEPS = 7


class Killed(BaseException):
    """Stands for SIGKILL: nothing catches it, nothing more is written."""


@pytest.fixture(autouse=True)
def _after_every_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SWITCH, "0")


def killing(checkpoint: Checkpoint, at: int) -> Checkpoint:
    """Dies right after the checkpoint of this step."""
    save = checkpoint.maybe_save

    def saved(step: int, parts: dict[str, Stateful], *, last: bool = False) -> None:
        save(step, parts, last=last)
        if step == at:
            raise Killed

    checkpoint.maybe_save = saved  # type: ignore[assignment, method-assign]
    return checkpoint


def arguments(row: str, out: Path, checkpoint: Checkpoint) -> TrainingArguments:
    decaying = {"lr": {"kind": "linear", "start": 0.001, "end": 0.0, "until": 1.0}}
    ema = {"kind": "cosine", "start": 0.0, "end": 0.9, "until": 0.5}
    chosen = variant(row, "digits", generator_optimizer=decaying, critic_optimizer=decaying, ema=ema).model_copy(
        update={"steps": STEPS, "log_every": 2, "sample_grid_every": 3}
    )
    torch.manual_seed(0)  # the weights of a stack's first GAN, which come from a file where there is one
    return TrainingArguments(row, chosen, RUNTIME, digits(), 3, out, checkpoint=checkpoint)


def empty(folder: Path) -> Path:
    """As DVC leaves it before it runs a stage again."""
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    return folder


@pytest.mark.parametrize("row", [*ROWS, *OTHER_ROWS, "stacked", "diffaugment", "ada"])
def test_every_row_ends_with_the_same_bits(row: str, tmp_path: Path) -> None:
    whole, twice = tmp_path / "whole", tmp_path / "twice"
    train(arguments(row, whole, Checkpoint.disabled()))
    for at in (3, 5, STEPS):  # before the first step of a pair, in the middle of a variant of the history, at the end
        with pytest.raises(Killed):
            train(arguments(row, twice, killing(Checkpoint(tmp_path / "kept", "key", twice), at)))
        empty(twice)
    outcome = train(arguments(row, twice, last := Checkpoint(tmp_path / "kept", "key", twice)))
    assert last.begin == STEPS
    assert outcome.clocks["training_seconds"] > 0
    assert contents(twice) == contents(whole)


def test_a_verdict_and_the_figures_before_it_are_kept(tmp_path: Path) -> None:
    """lsgan at a rate of 1e30 is not finite after a step; nothing is trained after that, with a kill or without."""

    def broken(out: Path, checkpoint: Checkpoint) -> TrainingArguments:
        made = arguments("lsgan", out, checkpoint)
        rate = made.variant.critic_optimizer.model_copy(update={"lr": 1e30})
        return replace(made, variant=made.variant.model_copy(update={"critic_optimizer": rate}))

    whole, twice = tmp_path / "whole", tmp_path / "twice"
    expected = train(broken(whole, Checkpoint.disabled())).status
    assert expected is not None
    assert expected.kind == "not_finite"
    with pytest.raises(Killed):
        train(broken(twice, killing(Checkpoint(tmp_path / "kept", "key", twice), expected.step)))
    outcome = train(broken(twice, Checkpoint(tmp_path / "kept", "key", twice)))
    assert outcome.status == expected
    assert contents(twice) == contents(whole)


def test_pretraining_ends_with_the_same_bits(tmp_path: Path) -> None:
    chosen = variant("ebgan", "digits")
    assert isinstance(chosen.critic, AutoencoderCritic)
    of = pretrain.Params(
        critic=chosen.critic,
        pretrain=chosen.pretrain.model_copy(update={"steps": STEPS}),
        pack=1,
        batch=8,
        margin=0.2,
    )
    whole, twice = tmp_path / "whole", tmp_path / "twice"
    expected = pretrain.run("", of, RUNTIME, digits(), whole)
    with pytest.raises(Killed):
        pretrain.run("", of, RUNTIME, digits(), twice, killing(Checkpoint(tmp_path / "kept", "key", twice), 4))
    resumed = Checkpoint(tmp_path / "kept", "key", twice)
    assert pretrain.run("", of, RUNTIME, digits(), twice, resumed) == expected
    assert resumed.begin == 4
    assert contents(twice) == contents(whole)


def test_the_classifier_ends_with_the_same_bits(tmp_path: Path) -> None:
    shape = {"width": 4, "growth": 2, "norm": "batch", "embedding_dim": 8, "augment": True}
    params = classifier.ClassifierParams.model_validate(shape | {"steps": STEPS, "batch": 8, "lr": 0.01, "seed": 0})
    whole, twice = tmp_path / "whole", tmp_path / "twice"
    whole.mkdir(), twice.mkdir()
    device = torch.device("cpu")
    expected = classifier.fit(digits(), params, device, whole)
    with pytest.raises(Killed):
        classifier.fit(digits(), params, device, twice, killing(Checkpoint(tmp_path / "kept", "key", twice), 4))
    resumed = Checkpoint(tmp_path / "kept", "key", twice)
    assert classifier.fit(digits(), params, device, twice, resumed) == expected
    assert resumed.begin == 4
    assert contents(twice) == contents(whole)


@pytest.fixture
def listening() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    interruption.install_handlers()
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("listening")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_that_is_asked_to_end_writes_a_checkpoint(
    number: signal.Signals, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SWITCH, "1000")
    whole, twice = tmp_path / "whole", tmp_path / "twice"
    train(arguments("lsgan", whole, Checkpoint.disabled()))
    made = arguments("lsgan", twice, Checkpoint(tmp_path / "kept", "key", twice))
    save, steps = made.checkpoint.maybe_save, list[int]()

    def asked_at_4(step: int, parts: dict[str, Stateful], *, last: bool = False) -> None:
        steps.append(step)
        if step == 4:
            signal.raise_signal(number)
        save(step, parts, last=last)

    made.checkpoint.maybe_save = asked_at_4  # type: ignore[assignment, method-assign]
    with pytest.raises(Interrupted, match="interrupted after step 4: `dvc repro` goes on from there") as caught:
        train(made)
    assert caught.value.number == number
    assert steps == [1, 2, 3, 4]
    resumed = Checkpoint(tmp_path / "kept", "key", twice)
    train(arguments("lsgan", twice, resumed))
    assert resumed.begin == 4
    assert contents(twice) == contents(whole)


@pytest.mark.usefixtures("listening")
def test_who_asks_twice_need_not_wait() -> None:
    with pytest.raises(Interrupted), interruption.defer_signals():  # noqa: PT012 (the second signal is what raises)
        signal.raise_signal(signal.SIGTERM)
        assert interruption.pending_signal() == signal.SIGTERM
        signal.raise_signal(signal.SIGINT)
    assert interruption.pending_signal() is None


def test_old_results_do_not_stand_and_what_is_finished_is_marked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DVC_ROOT", raising=False)
    out = tmp_path / "runs" / "digits" / "lsgan" / "0"
    (out / "grids").mkdir(parents=True)
    (out / "run.json").write_text("old")
    with locked_run_dir("train", "digits-lsgan-0", out, [b"spec"]) as checkpoint:
        assert contents(out) == {}
        train(replace(arguments("lsgan", out, checkpoint)))
    assert [path.name for path in (tmp_path / ".ckpt").glob("train-digits-lsgan-0-*/finished")] == ["finished"]
