"""A training with an augmentation: what the critic sees, what is kept, and what is left as it was."""

from __future__ import annotations

import pytest
import torch
from parts_in_use import parts_in_use
from training_cases import build, inputs_of, real_batch, trainer, variant

from ganpipe.algorithms._steps import Metrics
from ganpipe.batches import Batch
from ganpipe.config.variant import Runtime
from ganpipe.pipeline.specs import not_deterministic

CUTOUT = {"augmentation": {"policies": ["cutout"]}}
QUICK = {"augmentation": {"interval": 1, "images": 64}}


def ones() -> Batch:
    return Batch(torch.ones(8, 1, 8, 8))


def test_real_and_generated_images_are_augmented_in_both_steps() -> None:
    at = trainer("diffaugment", "digits", **CUTOUT, objective={"kind": "rpgan"})
    seen = inputs_of(at.critic)
    at.critic_step(*ones())
    critic_step = torch.cat(seen)
    seen.clear()
    at.generator_step(*ones())
    for x in (critic_step, torch.cat(seen)):
        assert len(x) == 16
        cut = (x == 0).flatten(1).sum(1)  # a square of 4 x 4 pixels, of which a quarter or more is in the image
        assert ((cut >= 4) & (cut <= 16)).all()
        assert len(cut.unique()) > 2


def test_noise_comes_on_top_and_packs_are_of_augmented_images() -> None:
    noisy = {"algorithm": {"pack": 2, "instance_noise": 0.1}, **CUTOUT}
    at = trainer("diffaugment", "digits", **noisy)
    x = at.critic_input(torch.full((8, 1, 8, 8), 3.0))
    assert x.shape == (4, 2, 8, 8)
    cut = (x.abs() < 1.5).flatten(2).sum(2)
    assert ((cut >= 4) & (cut <= 16)).all()
    assert not (x == 0).any()


def step(at: object) -> Metrics:
    return at.train_step(iter(lambda: Batch(real_batch("digits")), None))  # type: ignore[attr-defined, no-any-return]


def test_p_is_in_the_history_and_in_the_state() -> None:
    chosen = variant("ada", "digits", **QUICK)
    one, other = (build(chosen, (1, 8, 8), seed) for seed in (0, 1))
    # a critic that knows all real images: p goes up by batch / images in each step
    with torch.no_grad():
        one.critic(torch.zeros(1, 1, 8, 8))
        list(one.critic.parameters())[-1].fill_(100.0)
    found = [step(one) for _ in range(3)]
    assert [metrics["augmentation_p"].item() for metrics in found] == [0.125, 0.25, 0.375]
    assert [metrics["overfitting"].item() for metrics in found] == [1.0, 1.0, 1.0]
    other.load_state_dict(one.state_dict())
    assert other.augmentation_state["augmentation_p"].item() == 0.375
    assert torch.equal(step(one)["critic_loss"], step(other)["critic_loss"])


def test_a_step_that_looks_ahead_counts_once() -> None:
    at = trainer("ada", "digits", algorithm={"dynamics": "extragradient"})
    step(at)
    assert at.augmentation_state["updates"].item() == 1


def test_algorithms_with_a_critic_of_single_samples_support_it() -> None:
    algorithms = parts_in_use("ganpipe.algorithms")
    supporting = {kind for kind, part in algorithms.items() if part.supports_augmentation}
    assert supporting == {"adversarial", "class_conditional", "progressive"}


@pytest.mark.parametrize("row", ["diffaugment", "ada"])
def test_points_are_refused_in_a_sentence(row: str) -> None:
    assert variant(row, "points").incompatibility((2,)) == f"{row} transforms images, the data are points"


def test_what_has_no_deterministic_gradient_is_not_for_a_deterministic_gpu() -> None:
    for row, device, deterministic, refused in (
        ("ada", "cuda", True, True),
        ("ada", "cpu", True, False),
        ("ada", "cuda", False, False),
        ("diffaugment", "cuda", True, False),
    ):
        runtime = Runtime(device=device, threads=1, precision="float32", deterministic=deterministic)
        reason = not_deterministic(variant(row, "digits"), runtime)
        assert (reason or "").endswith("use `runtime.deterministic: false` or the device cpu") == refused
