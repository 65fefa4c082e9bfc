"""Progressive growing: its schedule, and networks and reals of one size and alpha in every step."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from safetensors.torch import load_file
from torch import Tensor
from training_cases import FEW, PARAMS, RUNTIME, build, digits, inputs_of, parameters, real_batch, same

from ganpipe.algorithms.adversarial import plain_gan
from ganpipe.algorithms.progressive import Progressive
from ganpipe.batches import Batch
from ganpipe.config.overlay import merge, merged
from ganpipe.config.variant import Variant
from ganpipe.networks._growing import blended
from ganpipe.training.loop import TrainingArguments, train

SHAPE = (1, 16, 16)
PHASES = [
    {"size": 4, "fade": 0.0, "stable": 2.0, "batch": 6},
    {"size": 8, "fade": 2.0, "stable": 2.0, "batch": 4},
    {"size": 16, "fade": 4.0, "stable": 2.0, "batch": 10},
]


def algorithm(phases: list[dict[str, Any]] = PHASES, critic_steps: int = 1) -> dict[str, Any]:
    return {"kind": "progressive", "critic_steps": critic_steps, "phases": phases}


def variant(**changes: Any) -> Variant:
    """12 steps: two at 4 pixels, two fading in and two at 8, four fading in and two at 16."""
    row = {
        "title": "Progressive",
        "objective": {"kind": "non_saturating"},
        "generator": {"kind": "progressive", "width": 4},
        "critic": {"kind": "progressive", "width": 4, "minibatch_stddev": True, "output": "score"},
        "algorithm": algorithm(),
        **FEW,
        "latent": {"size": 6},
        "steps": 12,
    }
    return Variant.model_validate(merge(merged(PARAMS["train"], row, "images", ""), changes))


def trainer(seed: int = 0, **changes: Any) -> Any:
    return build(variant(**changes), SHAPE, seed)


class Images:
    """Random images of 16 pixels, and a record of them."""

    def __init__(self, n: int = 8) -> None:
        self.n, self.given = n, list[Tensor]()

    def __next__(self) -> Batch:
        rng = torch.Generator().manual_seed(len(self.given))
        self.given.append(torch.rand((self.n, *SHAPE), generator=rng) * 2 - 1)
        return Batch(self.given[-1])


EXPECTED = (
    [(4, 1.0)] * 2 + [(8, 0.5), (8, 1.0), (8, 1.0), (8, 1.0)] + [(16, a / 4) for a in (1, 2, 3, 4)] + [(16, 1.0)] * 2
)


def test_phases_by_hand() -> None:
    schedule = Progressive.model_validate(algorithm())
    found = [schedule.phase_at(step / 12) for step in range(1, 13)]
    assert [phase.size for phase, _ in found] == [size for size, _ in EXPECTED]
    assert [alpha for _, alpha in found] == pytest.approx([alpha for _, alpha in EXPECTED])
    assert schedule.phase_at(0.0)[0].size == 4
    phase, alpha = schedule.phase_at(2 / 12 + 0.5 / 12)
    assert (phase.size, alpha) == (8, pytest.approx(0.25))


@pytest.mark.parametrize("steps", [1, 2, 3, 7, 1000, 3333])
def test_the_last_step_is_fully_grown(steps: int) -> None:
    phases = [{"size": 4, "fade": 0.0, "stable": 0.1, "batch": 2}, {"size": 8, "fade": 0.7, "stable": 1e-6, "batch": 2}]
    phase, alpha = Progressive.model_validate(algorithm(phases)).phase_at(steps / steps)
    assert (phase.size, alpha) == (8, 1.0)


def test_all_three_networks_stand_at_the_same_place_in_each_step() -> None:
    at, batches = trainer(), Images()
    assert len(at.progressive_modules) == 3
    for i, expected in enumerate(EXPECTED):
        at.train_step(batches)
        assert {(m.sizes[m.level], round(m.alpha, 9)) for m in at.progressive_modules} == {expected}
        if i == 6:  # in the middle of a fade
            again = trainer()
            again.load_state_dict(at.state_dict())
            assert {(m.sizes[m.level], round(m.alpha, 9)) for m in again.progressive_modules} == {expected}


def test_the_critic_sees_reals_and_fakes_at_the_same_size_and_as_many_as_the_phase_says() -> None:
    at, batches = trainer(), Images()
    seen = inputs_of(at.gan.critic)
    for size, alpha in EXPECTED:
        seen.clear()
        batches.given.clear()
        at.train_step(batches)
        n = {4: 6, 8: 4, 16: 10}[size]
        real, fake, fake_again = seen
        assert len(real) == len(fake) == len(fake_again) == n
        given = torch.cat(batches.given)
        torch.testing.assert_close(real, blended(given[:n], size, alpha))
        for image in seen:
            if size < 16:
                torch.testing.assert_close(blended(image, size, 1.0), image)
            # of the new size's detail, as much as alpha says; the fakes have it wherever the network makes any
            assert not torch.allclose(blended(image, size, 0.0), image) or size == 4


def test_a_batch_larger_than_the_rows_comes_from_several() -> None:
    at, batches = trainer(algorithm=algorithm([{**PHASES[0], "size": 16, "batch": 20}])), Images(8)
    seen = inputs_of(at.gan.critic)
    at.train_step(batches)
    assert len(seen[0]) == 20
    assert torch.equal(seen[0], torch.cat(batches.given)[:20])
    assert len(batches.given) == 6  # three for each network


def test_critic_steps_count() -> None:
    at = trainer(algorithm=algorithm(critic_steps=3))
    metrics = [at.train_step(Images()) for _ in range(6)]
    assert ["generator_loss" in f for f in metrics] == [False, False, True] * 2


def test_optimisers_keep_what_they_know_when_a_block_joins() -> None:
    at, batches = trainer(), Images()
    new = at.gan.generator.blocks[1]
    before = parameters(new)
    for _ in range(6):
        at.train_step(batches)
    assert same(parameters(new), before)
    assert all(p not in at.gan.generator_optimizer.state for p in new.parameters())
    for _ in range(6):
        at.train_step(batches)
    steps = at.gan.generator_optimizer.state
    assert {steps[p]["step"].item() for p in at.gan.generator.first.parameters()} == {12}
    assert {steps[p]["step"].item() for p in at.gan.generator.blocks[0].parameters()} == {10}
    assert {steps[p]["step"].item() for p in new.parameters()} == {6}
    # the smallest images are made in the first phase, and while those of 8 pixels fade in over them
    assert {steps[p]["step"].item() for p in at.gan.generator.to_image[0].parameters()} <= {3, 4}
    body = at.gan.critic.body
    assert {at.gan.critic_optimizer.state[p]["step"].item() for p in body.last.parameters()} == {12}
    assert {at.gan.critic_optimizer.state[p]["step"].item() for p in body.blocks[1].parameters()} == {6}


def test_weight_of_the_new_block_goes_through_alpha() -> None:
    """At small alpha the new block hardly shows, so its loss gradient is small as well."""
    norms = []
    for alpha in (0.01, 0.5):
        at = trainer()
        for module in at.progressive_modules:
            module.grow_to(16, alpha)
        at.gan.generator(torch.randn(4, 6, generator=torch.Generator().manual_seed(0))).sum().backward()
        norms.append(sum(p.grad.norm() for p in at.gan.generator.blocks[1].parameters() if p.grad is not None))
    assert norms[1] > 10 * norms[0] > 0


def test_what_is_saved_is_fully_grown(tmp_path: Path) -> None:
    phases = [{**PHASES[0], "batch": 8}, {**PHASES[1], "batch": 8}]
    row = variant(algorithm=algorithm(phases))
    assert row.incompatibility((1, 8, 8)) is None
    train(TrainingArguments("progressive/0", row, RUNTIME, digits(), 0, tmp_path))
    for name in ("generator", "generator_ema", "critic"):
        states = [v for k, v in load_file(tmp_path / f"{name}.safetensors").items() if k.endswith("_extra_state")]
        assert [state.tolist() for state in states] == [[8.0, 1.0]]
    assert (tmp_path / "samples.npy").is_file()
    assert (tmp_path / "grids" / "000012.png").is_file()


def test_images_of_another_size_and_points_are_unfit() -> None:
    row = variant()
    assert row.incompatibility(SHAPE) is None
    assert row.incompatibility((1, 8, 8)) == "the last phase of progressive growing is at 16 pixels, the images have 8"
    assert "images, the data are points" in str(row.incompatibility((2,)))


def phases_with(i: int, **changes: Any) -> list[dict[str, Any]]:
    return [{**phase, **(changes if place == i else {})} for place, phase in enumerate(PHASES)]


@pytest.mark.parametrize(
    ("phases", "place", "words"),
    [
        (phases_with(0, fade=1.0), ("phases", 0, "fade"), "use 0"),
        (phases_with(1, size=16), ("phases", 1, "size"), "use 8"),
        (phases_with(1, stable=0.0), ("phases", 1, "stable"), "greater than 0"),
        (phases_with(0, batch=1), ("phases", 0, "batch"), "greater than or equal to 2"),
        ([], ("phases",), "at least 1 item"),
    ],
)
def test_illegal_phases_are_refused_with_a_remedy(phases: list[Any], place: tuple[Any, ...], words: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Progressive.model_validate(algorithm(phases))
    (error,) = caught.value.errors()
    assert error["loc"] == place
    assert words in error["msg"]


def test_only_growing_networks_are_grown() -> None:
    for network, part in (
        ("generator", {"kind": "dcgan", "width": 4, "norm": "batch"}),
        ("critic", {"kind": "dcgan", "width": 4, "norm": "none", "output": "score"}),
    ):
        with pytest.raises(ValidationError, match="progressive") as caught:
            variant(**{network: part})
        assert caught.value.errors()[0]["loc"] == (network, "kind")


def test_growing_networks_train_at_full_size_in_the_plain_trainer() -> None:
    row = variant(algorithm=plain_gan(1).model_dump())
    assert row.incompatibility(SHAPE) is None
    assert row.incompatibility((1, 8, 8)) is None


def test_a_slope_at_single_samples_is_refused_with_the_minibatch_deviation() -> None:
    penalty = {"kind": "gradient_penalty", "weight": 10.0, "target": 1.0, "one_sided": False}
    with pytest.raises(ValidationError, match="minibatch_stddev: false"):
        variant(penalties=[penalty])
    assert variant(penalties=[penalty], critic={"minibatch_stddev": False}).critic.uses_batch_stats is False


def test_reals_of_the_game_are_those_of_the_batches() -> None:
    """At full size nothing is changed, to the last bit."""
    real = real_batch("convolutions")
    assert torch.equal(blended(real, 8, 1.0), real)
