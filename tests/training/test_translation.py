"""Translation and stacking: what each player sees, what is compared with what, and where conditions come from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from ganpipe.training.batches import Batches, Space
from ganpipe.training.translation import Game, Observed, Stack
from safetensors.torch import load_file
from torch import Tensor
from training_games import CPU, FEW, PARAMS, RUNTIME, Endless, digits, parameters, reals, same, small, weights

from ganpipe.rows import merge, merged
from ganpipe.training import first, sampling
from ganpipe.training.loop import Job, Outcome, train
from ganpipe.variant import Variant

SHAPE = (1, 8, 8)
UNET = {"kind": "unet", "width": 4, "norm": "batch"}


def variant(row: str = "translate", **changes: Any) -> Variant:
    whole = merged(PARAMS["train"], PARAMS["variants"][row], "images", "digits")
    tiny = {"latent": {"size": 12}, "procedure": {"observed": 50}}
    if whole["first"]:
        tiny["first"] = FEW | {"latent": {"size": 5}} | {p: small(whole["first"][p]) for p in ("generator", "critic")}
    networks = {player: small(whole[player]) for player in ("generator", "critic")}
    return Variant.model_validate(merge(merge(whole, FEW | tiny | networks), changes))


def game(row: str = "translate", seed: int = 0, **changes: Any) -> Game:
    return Game(variant(row, **changes), SHAPE, RUNTIME, seed, None)


def batches(seed: int = 0) -> Batches:
    return Batches(digits().train, 8, Space("images", 1.0), seed, "order", CPU)


SILHOUETTE = {"procedure": {"condition": {"kind": "silhouette", "threshold": 0.5}}}
EACH = {"downsampled": {}, "silhouette": SILHOUETTE, "unet": {"generator": UNET}}


@pytest.mark.parametrize("changes", EACH.values(), ids=EACH)
def test_a_step_of_one_player_leaves_the_other_alone(changes: dict[str, Any]) -> None:
    at = game(**changes)
    before = parameters(at.generator), parameters(at.critic), parameters(at.average)
    at._critic_step(reals("digits"))
    assert same(parameters(at.generator), before[0])
    assert same(parameters(at.average), before[2])
    assert not same(parameters(at.critic), before[1])
    before = parameters(at.generator), parameters(at.critic), parameters(at.average)
    figures = at._generator_step(reals("digits"))
    assert not same(parameters(at.generator), before[0])
    assert same(parameters(at.critic), before[1])
    assert not same(parameters(at.average), before[2])
    assert all(value.isfinite() and value.shape == () for value in figures.values())


@pytest.mark.parametrize("changes", EACH.values(), ids=EACH)
def test_the_critic_sees_real_and_generated_images_beside_the_same_condition(changes: dict[str, Any]) -> None:
    at, seen = game(**changes), list[Tensor]()
    at.critic.register_forward_pre_hook(lambda module, args: seen.append(args[0].detach()))
    real = reals("digits")
    condition = at.translation.condition.of(real)
    at._critic_step(real)
    (both,) = seen
    assert both.shape == (16, 2, 8, 8)
    factor = 8 // condition.shape[-1]
    full = condition.repeat_interleave(factor, 2).repeat_interleave(factor, 3)
    assert torch.equal(both[:8, :1], full)
    assert torch.equal(both[8:, :1], full)
    assert torch.equal(both[:8, 1:], real)
    assert not torch.isclose(both[8:, 1:], real).all(1).any()


def test_the_distance_is_of_the_image_that_belongs_to_the_condition() -> None:
    """l1 by hand: against the partner in the batch, over the image alone, and in the generator's loss only."""
    weight = 3.0
    at, plain = game(procedure={"l1": weight}), game(procedure={"l1": 0.0})
    made: list[Tensor] = []
    at.generator.register_forward_hook(lambda module, args, out: made.append(out.detach()))
    real = reals("digits")
    figures, without = at._generator_step(real), plain._generator_step(real)
    assert figures["l1"].item() == pytest.approx(weight * (made[0] - real).abs().mean().item(), rel=1e-5)
    assert "l1" not in without
    assert torch.equal(figures["generator_loss"], without["generator_loss"])
    assert "l1" not in at._critic_step(real)
    slopes = [
        torch.cat([p.grad.flatten() for p in g.generator.parameters() if p.grad is not None]) for g in (at, plain)
    ]
    assert not torch.allclose(*slopes)


def test_with_the_distance_alone_the_translator_learns_the_images() -> None:
    """A generator that gets only l1 comes nearer to the image of each condition than any one image can."""
    at = game(procedure={"l1": 1000.0}, generator={"width": 64}, generator_optimizer={"lr": 0.002})
    source, real = batches(), next(batches(1))
    for _ in range(300):
        at.step(source)
    at.generator.eval()
    with torch.no_grad():
        distance = (at._made(real) - real).abs().mean()
    blind = (torch.from_numpy(digits().train).float().median(0).values / 127.5 - 1 - real).abs().mean()
    assert distance < 0.6 * blind


def test_observed_conditions_are_those_of_the_data_and_each_as_likely() -> None:
    net = Observed(4, (1, 2, 2))
    conditions = torch.linspace(-1, 1, 8).view(8, 1, 1, 1).expand(8, 1, 2, 2)
    net.take(conditions)
    z = torch.randn((40_000, 1), generator=torch.Generator().manual_seed(0))
    found = net(z)
    kept = conditions[::2]
    shares = [(found - one).abs().flatten(1).amax(1).lt(0.01).float().mean().item() for one in kept]
    assert shares == pytest.approx([0.25] * 4, abs=0.01)
    few = Observed(5, (1, 2, 2))
    few.take(conditions[:2])
    assert few.conditions.unique().numel() == 2
    assert net(torch.tensor([[40.0], [-40.0]])).isfinite().all()


def test_samples_are_made_from_conditions_of_the_training_data() -> None:
    at, source = game(), batches()
    before = next(batches())
    at.settle(source)
    assert torch.equal(next(source), before)  # looking at the data leaves the batches alone
    first = at.stacks["raw"].first
    assert isinstance(first, Observed)
    real = torch.cat(list(source.everything()))
    of = at.translation.condition.of(real)[torch.arange(50) * len(real) // 50]
    torch.testing.assert_close(first.conditions.float() / 127.5 - 1, of, atol=1.01 / 255, rtol=0)


def test_a_stack_hands_each_part_its_numbers_of_the_latent() -> None:
    at = game("stacked")
    stack = at.stacks["raw"].eval()
    z = torch.randn((3, 12), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        made, downsampled = stack(z), at.first.eval()(z[:, :5])
        assert downsampled.shape == (3, 1, 4, 4)
        assert torch.equal(made, at.generator(z[:, 5:], downsampled))
        other = z.clone()
        other[:, :5] = 0
        assert not torch.equal(stack(other), made)


def test_the_first_is_trained_alone_on_the_conditions_and_the_second_starts_from_it(tmp_path: Path) -> None:
    chosen, data = variant("stacked"), digits()
    assert chosen.first is not None
    job = first.Job(first=chosen.first, condition=chosen.procedure.condition, seed=3)
    facts = first.run("first", job, RUNTIME, data, tmp_path / "first")
    assert facts.pop("verdict") in ("none", "collapsed")  # after so few steps it may be grey all over
    assert facts == {"title": chosen.first.title, "steps": 20, "seed": 3}
    made = np.load(tmp_path / "first" / "samples.npy")
    assert made.shape == (100, 1, 4, 4)
    assert made.dtype == np.uint8
    saved = load_file(tmp_path / "first" / "generator.safetensors")
    at = Game(chosen, SHAPE, RUNTIME, 0, saved)
    start = {name: saved[name] for name in weights(at.first)}
    assert same(weights(at.first), start)
    for _ in range(3):
        at.step(Endless("digits"))  # type: ignore[arg-type]
    assert same(weights(at.first), start)  # the second training leaves it as it is
    out = tmp_path / "second"
    train(Job("stacked", chosen, RUNTIME, data, 0, out, tmp_path / "first" / "generator.safetensors"))
    again = Game.build_generator(chosen, SHAPE)
    again.load_state_dict(load_file(out / "generator.safetensors"))
    space = Space("images", 1.0)
    redrawn = sampling.sample(again, chosen.latent, 100, space, 0, "samples", CPU)
    np.testing.assert_array_equal(np.load(out / "samples.npy"), redrawn)
    assert same(weights(again.get_submodule("first")), start)


def test_the_first_sees_downsampled_images_and_nothing_finer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen, data = variant("stacked"), digits()
    assert chosen.first is not None
    seen: list[Job] = []
    monkeypatch.setattr("ganpipe.training.loop.train", lambda job: (seen.append(job), Outcome(None, {}))[1])
    first.run("x", first.Job(first=chosen.first, condition=chosen.procedure.condition, seed=0), RUNTIME, data, tmp_path)
    small_data = seen[0].data
    expected = data.train.reshape(-1, 1, 4, 2, 4, 2).mean((3, 5))
    assert np.abs(small_data.train - expected).max() <= 0.51
    assert small_data == replace(data, train=small_data.train, test=small_data.test)


@pytest.mark.parametrize("row", ["translate", "stacked"])
def test_same_seed_same_bits_whoever_looks(row: str) -> None:
    found = []
    for seed, look in ((0, False), (0, True), (1, False)):
        at, source = game(row, seed), batches(seed)
        for _ in range(3):
            at.step(source)
            if look:
                at.settle(source)
                for net in at.generators().values():
                    sampling.sample(net, at.whole.latent, 9, Space("images", 1.0), 0, "shown", CPU)
        found.append([parameters(net) for net in (at.generator, at.critic, at.average)])
    assert all(same(a, b) for a, b in zip(found[0], found[1], strict=True))
    assert not any(same(a, b) for a, b in zip(found[0], found[2], strict=True))


def test_spectral_norm_of_the_generator_is_of_the_translator() -> None:
    constraint = {"constraints": [{"kind": "spectral_norm", "player": "generator"}]}
    at = game("stacked", **constraint)
    net = Game.build_generator(variant("stacked", **constraint), SHAPE)
    assert isinstance(net, Stack)
    net.load_state_dict(weights(at.stacks["raw"]))
    assert not any("parametrizations" in name for name in weights(net.first))
    assert any("parametrizations" in name for name in weights(net.translator))


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 16, 16), (1, 28, 28), (3, 32, 32), (1, 64, 64)])
@pytest.mark.parametrize("network", [UNET, {"kind": "dcgan", "width": 4, "norm": "none"}], ids=["unet", "flattened"])
def test_translators_at_every_size(shape: tuple[int, ...], network: dict[str, Any]) -> None:
    from ganpipe.networks import GeneratorNetwork
    from ganpipe.params import part_class

    part = part_class("ganpipe.networks.generators", network["kind"]).model_validate(network)
    assert isinstance(part, GeneratorNetwork)
    given = (shape[0], shape[1] // 4, shape[2] // 4)
    net = part.build_translator(6, given, shape)
    z = torch.randn((4, 6), generator=torch.Generator().manual_seed(0))
    condition = torch.rand((4, *given), generator=torch.Generator().manual_seed(1)) * 2 - 1
    condition.requires_grad_(True)
    z.requires_grad_(True)
    made = net(z, condition)
    assert made.shape == (4, *shape)
    assert made.abs().max() <= 1
    for x in torch.autograd.grad(made.square().sum(), (z, condition)):
        assert (x.flatten(1).abs().sum(1) > 0).all()  # noise and condition both matter, in every sample


@pytest.mark.parametrize(
    ("shape", "changes", "words"),
    [
        ((2,), {}, "translation makes images of poorer images"),
        ((1, 28, 28), {"procedure": {"condition": {"factor": 3}}}, "28x28 pixels cannot be divided"),
    ],
)
def test_what_does_not_fit_the_data_says_why(shape: tuple[int, ...], changes: dict[str, Any], words: str) -> None:
    assert words in str(variant(**changes).incompatibility(shape))


def test_a_first_that_does_not_fit_the_small_images_says_why() -> None:
    chosen = variant("stacked", first={"generator": {"kind": "dcgan", "width": 4, "norm": "none"}})
    assert "dcgan needs square images" in str(chosen.incompatibility(SHAPE))
    assert chosen.incompatibility((1, 16, 16)) is None
