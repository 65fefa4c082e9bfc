"""pix2pix and its stack: what the critic sees, what is compared with what, and where conditions come from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor
from training_cases import (
    CPU,
    RUNTIME,
    RandomBatches,
    build,
    digits,
    inputs_of,
    parameters,
    real_batch,
    real_batches,
    same,
    trainer,
    variant,
    weights,
)

from ganpipe.algorithms._stacked import TrainingConditions
from ganpipe.batches import DataTransform
from ganpipe.training import stage1
from ganpipe.training.loop import Outcome, TrainingArguments, train
from ganpipe.training.sampling import Sampler

SHAPE = (1, 8, 8)
CASES: dict[str, dict[str, Any]] = {
    "downsampled": {},
    "silhouette": {"algorithm": {"condition": {"kind": "silhouette", "threshold": 0.5}}},
    "unet": {"generator": {"kind": "unet", "width": 4, "norm": "batch"}},
}


@pytest.mark.parametrize("changes", CASES.values(), ids=CASES)
def test_the_critic_sees_real_and_generated_images_beside_the_same_condition(changes: dict[str, Any]) -> None:
    at, real = trainer("translate", "digits", **changes), real_batch("digits")
    seen = inputs_of(at.critic)
    before = parameters(at.generator), parameters(at.critic), parameters(at.ema)
    at.critic_step(real)
    assert same(parameters(at.generator), before[0])
    assert not same(parameters(at.critic), before[1])
    condition = at.algorithm.condition.compute(real)
    factor = 8 // condition.shape[-1]
    full = condition.repeat_interleave(factor, 2).repeat_interleave(factor, 3)
    assert torch.equal(seen[0][:8], torch.cat([full, real], 1))
    assert torch.equal(seen[0][8:, :1], full)
    assert not torch.isclose(seen[0][8:, 1:], real).all(1).any()
    before = parameters(at.generator), parameters(at.critic), parameters(at.ema)
    at.generator_step(real)
    assert torch.equal(seen[1][:, :1], full)
    assert not same(parameters(at.generator), before[0])
    assert same(parameters(at.critic), before[1])
    assert not same(parameters(at.ema), before[2])


def test_pix2pix_as_in_its_paper_takes_a_step_of_32_pixels_and_is_refused_for_fewer() -> None:
    """The critic's loss is the mean over the patches of all images."""
    chosen = variant("pix2pix", "convolutions")
    assert "patches of 16 pixels" in str(chosen.incompatibility(SHAPE))
    assert "points" in str(chosen.incompatibility((2,)))
    assert chosen.incompatibility((3, 32, 32)) is None
    at, real = build(chosen, (3, 32, 32)), torch.rand(4, 3, 32, 32) * 2 - 1
    scores: list[Tensor] = []
    at.critic.register_forward_hook(lambda module, args, out: scores.append(out.score))
    critic, generator = parameters(at.critic), parameters(at.generator)
    metrics = at.critic_step(real)
    assert [score.shape for score in scores] == [(4, 14 * 14)] * 2
    by_patch = [
        -(logit if is_real else -logit).sigmoid().log() for is_real, logit in zip((True, False), scores, strict=True)
    ]
    torch.testing.assert_close(metrics["critic_loss"], sum(loss.mean() for loss in by_patch))
    metrics |= at.generator_step(real)
    assert {"critic_gradient", "generator_gradient"} < set(metrics)
    assert all(value.shape == () and value.isfinite() for value in metrics.values())
    assert not same(parameters(at.critic), critic)
    assert not same(parameters(at.generator), generator)
    assert metrics["l1"] > 10 * metrics["generator_loss"]


def test_l1_is_the_distance_to_the_image_of_the_condition() -> None:
    """In the generator's loss alone; its gradient beside that of the objective."""
    at, plain = (trainer("translate", "digits", algorithm={"l1": weight}) for weight in (3.0, 0.0))
    made: list[Tensor] = []
    at.generator.register_forward_hook(lambda module, args, out: made.append(out))
    real = real_batch("digits")
    metrics, without = at.generator_step(real), plain.generator_step(real)
    assert metrics["l1"].item() == pytest.approx(3 * (made[0] - real).abs().mean().item(), rel=1e-5)
    assert torch.equal(metrics["generator_loss"], without["generator_loss"])
    assert "l1" not in without | at.critic_step(real)
    gradients = [torch.cat([p.grad.flatten() for p in one.generator.parameters()]) for one in (at, plain)]
    assert not torch.allclose(*gradients)


def test_with_l1_alone_the_generator_learns_the_images() -> None:
    """It comes nearer to the image of each condition than any single image can."""
    changes = {"algorithm": {"l1": 1000.0}, "generator": {"width": 64}, "generator_optimizer": {"lr": 0.002}}
    at, source = trainer("translate", "digits", **changes), real_batches("digits")
    real = next(real_batches("digits", seed=1)).x
    for _ in range(300):
        at.train_step(source)
    at.generator.eval()
    with torch.no_grad():
        distance = (at.generate(at.algorithm.condition.compute(real)) - real).abs().mean()
    median = torch.from_numpy(digits().train).float().median(0).values / 127.5 - 1
    assert distance < 0.7 * (median - real).abs().mean()


def test_training_conditions_are_equally_likely() -> None:
    net = TrainingConditions(4, (1, 2, 2))
    conditions = torch.linspace(-1, 1, 8).view(8, 1, 1, 1).expand(8, 1, 2, 2)
    net.fill(conditions)
    found = net(torch.randn((40_000, 1), generator=torch.Generator().manual_seed(0)))
    near = [(found - one).abs().flatten(1).amax(1).lt(0.01).float().mean().item() for one in conditions[::2]]
    assert near == pytest.approx([0.25] * 4, abs=0.01)
    assert net(torch.tensor([[40.0], [-40.0]])).isfinite().all()
    few = TrainingConditions(5, (1, 2, 2))
    few.fill(conditions[:2])
    assert few.conditions.unique().numel() == 2


def test_samples_have_conditions_of_the_training_data() -> None:
    at, source = trainer("translate", "digits"), real_batches("digits")
    at.prepare_for_sampling(source)
    assert torch.equal(next(source).x, next(real_batches("digits")).x)  # the batches are not affected
    net = at.generators["raw"].stage1
    of_images = at.algorithm.condition.compute(torch.cat(list(source.all_samples())))[torch.arange(20) * 1000 // 20]
    torch.testing.assert_close(net.conditions.float() / 127.5 - 1, of_images, atol=1.01 / 255, rtol=0)


def test_a_stack_splits_the_latent() -> None:
    at = trainer("stacked", "digits")
    stacked = at.generators["raw"].eval()
    z = torch.randn((3, 24), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        condition = stacked.stage1(z[:, :5])
        assert condition.shape == (3, 1, 4, 4)
        assert torch.equal(stacked(z), at.generator(z[:, 5:], condition))


def test_the_first_is_trained_on_conditions_and_the_second_starts_from_it(tmp_path: Path) -> None:
    chosen, data = variant("stacked", "digits"), digits()
    assert chosen.stage1 is not None
    job = stage1.Params(stage1=chosen.stage1, condition=chosen.algorithm.condition, seed=3)  # type: ignore[attr-defined]
    facts = stage1.run("stage1", job, RUNTIME, data, tmp_path / "stage1")
    assert facts.pop("status") in ("none", "collapsed")  # after so few steps all may be grey
    assert facts == {"title": chosen.stage1.title, "steps": 20, "seed": 3}
    assert np.load(tmp_path / "stage1" / "samples.npy").shape == (100, 1, 4, 4)
    pretrained = tmp_path / "stage1" / "generator.safetensors"
    saved = load_file(pretrained)
    at = build(chosen, SHAPE, 0, saved)
    for _ in range(3):
        at.train_step(RandomBatches("digits"))
    assert same(
        weights(at.generators["raw"].stage1), {name: saved[name] for name in weights(at.generators["raw"].stage1)}
    )
    train(TrainingArguments("stacked", chosen, RUNTIME, data, 0, tmp_path / "second", pretrained))
    net = chosen.algorithm.build_generator(chosen, SHAPE)
    net.load_state_dict(load_file(tmp_path / "second" / "generator.safetensors"))
    assert same(
        weights(net.get_submodule("stage1")), {name: saved[name] for name in weights(net.get_submodule("stage1"))}
    )
    again = Sampler(chosen.latent, DataTransform("images", 1.0), 0, 8, CPU).sample(net, 100, "samples")
    np.testing.assert_array_equal(np.load(tmp_path / "second" / "samples.npy"), again)


def test_the_first_sees_conditions_and_nothing_finer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen, data, seen = variant("stacked", "digits"), digits(), list[TrainingArguments]()
    monkeypatch.setattr("ganpipe.training.loop.train", lambda job: (seen.append(job), Outcome(None, {}))[1])
    assert chosen.stage1 is not None
    job = stage1.Params(stage1=chosen.stage1, condition=chosen.algorithm.condition, seed=0)  # type: ignore[attr-defined]
    stage1.run("x", job, RUNTIME, data, tmp_path)
    expected = data.train.reshape(-1, 1, 4, 2, 4, 2).mean((3, 5))
    assert np.abs(seen[0].data.train - expected).max() <= 0.51
    assert seen[0].data == replace(data, train=seen[0].data.train, test=seen[0].data.test)


def test_spectral_norm_of_the_generator_is_on_the_translator_alone() -> None:
    constraint = {"constraints": [{"kind": "spectral_norm", "network": "generator"}]}
    at = trainer("stacked", "digits", **constraint)
    net: Any = at.algorithm.build_generator(at.variant, SHAPE)
    net.load_state_dict(weights(at.generators["raw"]))
    assert not any("parametrizations" in name for name in weights(net.stage1))
    assert any("parametrizations" in name for name in weights(net.translator))


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 16, 16), (1, 28, 28), (3, 32, 32)])
@pytest.mark.parametrize(
    "network", [CASES["unet"]["generator"], {"kind": "dcgan", "width": 4, "norm": "none"}], ids=["unet", "flattened"]
)
def test_noise_and_condition_both_reach_every_image(shape: tuple[int, ...], network: dict[str, Any]) -> None:
    from ganpipe.parts import part_class

    part: Any = part_class("ganpipe.networks.generators", network["kind"]).model_validate(network)
    given = (shape[0], shape[1] // 4, shape[2] // 4)
    z = torch.randn((4, 6), generator=torch.Generator().manual_seed(0)).requires_grad_(True)
    condition = torch.rand((4, *given), generator=torch.Generator().manual_seed(1)).requires_grad_(True)
    made = part.build_translator(6, given, shape)(z, condition)
    assert made.shape == (4, *shape)
    assert made.abs().max() <= 1
    for gradient in torch.autograd.grad(made.square().sum(), (z, condition)):
        assert (gradient.flatten(1).abs().sum(1) > 0).all()


def test_what_does_not_fit_the_data_says_why() -> None:
    chosen = variant("translate", "digits")
    assert "pix2pix maps images to images" in str(chosen.incompatibility((2,)))
    chosen = variant("translate", "digits", algorithm={"condition": {"factor": 3}})
    assert "28x28 pixels cannot be divided by a downsampling factor of 3" in str(chosen.incompatibility((1, 28, 28)))
    small = variant("stacked", "digits", stage1={"generator": {"kind": "dcgan", "width": 4, "norm": "none"}})
    assert "dcgan needs square images" in str(small.incompatibility(SHAPE))
    assert small.incompatibility((1, 16, 16)) is None
