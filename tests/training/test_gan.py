"""The GAN: the gradients of both steps, what the critic sees, the average, and what a training depends on."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from training_cases import (
    CPU,
    ROWS,
    SPACES,
    RandomBatches,
    build,
    every_space,
    inputs_of,
    parameters,
    real_batch,
    same,
    trainer,
    variant,
    weights,
)

from ganpipe.batches import Batch, DataTransform, pack_samples
from ganpipe.critic import CriticBatch, CriticOutput
from ganpipe.training.sampling import Sampler
from ganpipe.utils.rng import make_rng, sample_latents, seeded_init

every_row = pytest.mark.parametrize("row", ROWS)


@every_row
@pytest.mark.parametrize("space", ["digits", "points"])
def test_both_steps_go_down_their_loss_and_penalties(row: str, space: str) -> None:
    """The gradients are those of the sum that is written out here, and none reaches the other network.

    Without unrolling and instance noise, which have tests of their own.
    """
    direct = {"algorithm": {"unroll_steps": 0, "instance_noise": 0.0, "critic_steps": 1}}
    at, by_hand = trainer(row, space, **direct), trainer(row, space, **direct)
    chosen, n = at.variant, at.variant.batch
    real = real_batch(space, n)
    latent_rng, penalty_rng = make_rng(0, "latents", CPU), make_rng(0, "penalties", CPU)
    for network, net in (("critic", by_hand.critic), ("generator", by_hand.generator)):
        fake = by_hand.generator(sample_latents(chosen.latent, n, latent_rng))
        inputs = [pack_samples(x, at.algorithm.pack) for x in (real, fake.detach() if network == "critic" else fake)]
        # as many forward passes as in the step: spectral norm iterates in each
        joint = network == "critic" and not chosen.critic.uses_batch_stats
        batch = CriticBatch(*inputs, by_hand.critic, at.loss_state, joint=joint)
        objective = getattr(chosen.objective, network)(batch).mean()
        terms = {p.kind: p(by_hand.critic, batch, penalty_rng).mean() for p in chosen.penalties if p.network == network}
        expected = torch.autograd.grad(objective + sum(terms.values()), list(net.parameters()))
        other = at.generator if network == "critic" else at.critic
        gradients = [None if w.grad is None else w.grad.clone() for w in other.parameters()]

        metrics = at.critic_step(real) if network == "critic" else at.generator_step(real)
        for weight, gradient in zip(getattr(at, network).parameters(), expected, strict=True):
            torch.testing.assert_close(weight.grad, gradient, rtol=1e-3, atol=1e-5 * float(gradient.abs().max() + 1))
        for weight, gradient in zip(other.parameters(), gradients, strict=True):
            assert weight.grad is gradient is None or torch.equal(weight.grad, gradient)
        scores = {"real_score", "fake_score"} if network == "critic" else set()
        others = {**at.loss_state, **chosen.objective.metrics(batch)} if scores else {}
        assert set(metrics) == {f"{network}_loss", f"{network}_gradient", *scores, *terms, *others}
        norm = torch.cat([gradient.flatten() for gradient in expected]).norm()
        torch.testing.assert_close(metrics[f"{network}_gradient"], norm, rtol=1e-3, atol=1e-6)
        torch.testing.assert_close(metrics[f"{network}_loss"], objective)  # without the penalties
        for name, value in terms.items():
            torch.testing.assert_close(metrics[name], value)
        by_hand.critic.load_state_dict(at.critic.state_dict())
    assert all(weight.grad is None and not weight.requires_grad for weight in at.ema.parameters())


@pytest.mark.parametrize(("critic_steps", "near_a_row"), [(1, {4, 6}), (3, {3, 6})])
def test_the_generator_is_updated_after_every_critic_steps(critic_steps: int, near_a_row: set[int]) -> None:
    at = trainer("lsgan", "points", algorithm={"critic_steps": critic_steps}, log_every=4, steps=6)
    batches = RandomBatches("points")
    for step in range(1, 7):
        before, critic = parameters(at.generator), parameters(at.critic)
        metrics = at.train_step(batches)
        updates = step % critic_steps == 0
        assert same(parameters(at.generator), before) != updates
        assert ("generator_loss" in metrics) == updates
        assert ("critic_gradient" in metrics) == (step in {4, 6})
        assert ("generator_gradient" in metrics) == (step in near_a_row)
        assert not same(parameters(at.critic), critic)
    assert batches.count == 6 + 6 // critic_steps  # each update has a batch of its own


@pytest.mark.parametrize("row", ["wgan_gp", "sngan_both", "pacgan", "unrolled", "began", "instance_noise"])
@every_space
def test_the_same_seed_gives_the_same_bits_whatever_else_happens(row: str, space: str) -> None:
    """Other global random numbers, and samples that are drawn in between."""
    found = []
    for seed, disturbance in ((0, 1), (0, 2), (1, 1)):
        torch.manual_seed(disturbance)
        state = torch.get_rng_state()
        at, batches = trainer(row, space, seed), RandomBatches(space)
        assert torch.equal(torch.get_rng_state(), state)
        sampler = Sampler(at.variant.latent, DataTransform(SPACES[space][0], 1.0), 0, 8, CPU)
        for _ in range(4):
            torch.rand(disturbance)
            at.train_step(batches)
            if disturbance == 2:
                for net in at.generators.values():
                    assert sampler.sample(net, 9, "shown").shape == (9, *SPACES[space][2])
                assert at.generator.training
        found.append([weights(net) for net in (at.generator, at.ema, at.critic)])
    assert all(same(a, b) for a, b in zip(found[0], found[1], strict=True))
    assert not any(same(a, b) for a, b in zip(found[0], found[2], strict=True))


def test_each_network_is_initialised_from_its_own_random_numbers() -> None:
    """So that variants with one seed differ only in what their parameters say."""
    at, other = trainer("lsgan", "points"), trainer("lsgan", "points", critic={"width": 5})
    assert same(weights(at.generator), weights(other.generator))
    assert same(weights(at.generator), weights(at.ema))
    with seeded_init(0, "critic"):
        assert same(weights(at.variant.critic.build((2,))), weights(at.critic))
    at, other = trainer("lsgan", "digits"), trainer("lsgan", "digits", generator={"width": 5})
    assert same(weights(at.critic), weights(other.critic))


def test_pretrained_weights_are_the_critics_first() -> None:
    start = {name: value + 1 for name, value in weights(trainer("ebgan", "points").critic).items()}
    at = build(variant("ebgan", "points"), (2,), 0, start)
    assert same(weights(at.critic), start)
    at.train_step(RandomBatches("points"))
    assert not same(weights(at.critic), start)


@pytest.mark.parametrize("row", ["wgan_gp", "ebgan_pt", "rpgan", "sngan"])
def test_bfloat16_is_for_the_forward_passes_alone(row: str) -> None:
    chosen = variant(row, "points", algorithm={"critic_steps": 1})
    rough, exact = (
        build(chosen, (2,), precision=p).train_step(RandomBatches("points")) for p in ("bfloat16", "float32")
    )
    assert any(rough[name] != exact[name] for name in rough)
    for name, value in rough.items():
        assert value.dtype == torch.float32
        assert value.item() == pytest.approx(exact[name].item(), rel=0.2, abs=0.1), name


# ---- what the critic sees -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("steps", [1, 9])
def test_instance_noise_falls_linearly_to_zero(steps: int) -> None:
    at = trainer("lsgan", "points", steps=steps, algorithm={"instance_noise": 2.0})
    seen = inputs_of(at.critic)

    class Zeros:
        def __next__(self) -> Batch:
            return Batch(torch.zeros(4096, 2))

    for step in range(steps):
        seen.clear()
        at.train_step(Zeros())
        std = 2.0 * (steps - 1 - step) / max(steps - 1, 1)
        assert seen[0][:4096].std().item() == pytest.approx(std, rel=0.05)
        assert at.critic_input(torch.ones(4096, 2)).std().item() == pytest.approx(std, rel=0.05)  # so are the fakes
    assert not at.generator_step(torch.zeros(8, 2))["generator_loss"].isnan()


# ---- constraints, ensembles, the state of the loss ------------------------------------------------------------------


@pytest.mark.parametrize("network", ["critic", "generator"])
def test_clipping_holds_after_every_step_of_its_network(network: str) -> None:
    clip = {"kind": "weight_clipping", "network": network, "limit": 0.01}
    at, batches = trainer("lsgan", "points", generator={"norm": "none"}, constraints=[clip]), RandomBatches("points")
    for _ in range(3):
        at.train_step(batches)
        for name in ("critic", "generator"):
            largest = max(weight.abs().max().item() for weight in getattr(at, name).parameters())
            assert (largest <= 0.01 + 1e-9) == (name == network)


@pytest.mark.parametrize("network", ["critic", "generator"])
def test_spectral_norm_is_seeded_averaged_and_saved(network: str) -> None:
    changes = {"constraints": [{"kind": "spectral_norm", "network": network}]}
    found = []
    for disturbance in (1, 2):
        torch.manual_seed(disturbance)
        at = trainer("lsgan", "points", **changes)
        at.train_step(RandomBatches("points"))
        found.append(weights(getattr(at, network)))
    assert any(name.endswith("._u") for name in found[0])
    assert same(*found)
    net = at.algorithm.build_generator(at.variant, (2,))
    net.load_state_dict(at.ema.state_dict())
    z = torch.randn(5, 6)
    assert torch.equal(net.eval()(z), at.ema.eval()(z))


@pytest.mark.parametrize("batch", [8, 9])
def test_every_member_of_a_generator_ensemble_is_updated(batch: int) -> None:
    """Nine samples for four members: with shares of three the fourth would get none."""
    mlp = {"kind": "mlp", "width": 8, "depth": 2, "norm": "none"}
    at = trainer("lsgan", "points", batch=batch, generator={"kind": "ensemble", "num_members": 4, "base": mlp})
    before = [parameters(member) for member in at.generator.members]
    at.train_step(RandomBatches("points", batch))
    for member, old in zip(at.generator.members, before, strict=True):
        assert not any(torch.equal(value, old[name]) for name, value in member.named_parameters())


def test_each_member_of_a_critic_ensemble_has_its_own_objective() -> None:
    mlp = variant("lsgan", "points").critic.model_dump() | {"width": 8, "depth": 2, "norm": "none"}
    changes: dict[str, Any] = {
        "objective": {"kind": "ensemble", "members": [{"kind": "hinge"}, {"kind": "wgan"}]},
        "critic": {"kind": "ensemble", "num_members": 2, "base": mlp},
        "constraints": [{"kind": "weight_clipping", "network": "critic", "limit": 100.0}],  # required by wasserstein
    }
    at, by_hand = (trainer("non_saturating", "points", **changes) for _ in range(2))
    assert not same(weights(at.critic.members[0]), weights(at.critic.members[1]))
    real, member = real_batch("points"), by_hand.critic.members[1]
    fake = by_hand.generate(8).detach()
    alone = (member(fake).score - member(real).score).mean() / 2
    expected = torch.autograd.grad(alone, list(member.parameters()))
    at.critic_step(real)
    for weight, gradient in zip(at.critic.members[1].parameters(), expected, strict=True):
        torch.testing.assert_close(weight.grad, gradient)


@pytest.mark.parametrize(("row", "best"), [("top_k", [3.0, 1.0, 2.0]), ("ebgan", [0.0, 1.0, 2.0])])
def test_the_generator_learns_from_the_share_of_its_samples_with_the_best_scores(row: str, best: list[float]) -> None:
    """Half of the way from all of them to a half; low energies are the best."""
    schedule = {"kind": "linear", "start": 1.0, "end": 0.5, "until": 0.5}
    at = trainer(row, "points", algorithm={"top_k": schedule})
    scores = torch.tensor([[3.0], [0.0], [1.0], [2.0]])
    batch = CriticBatch(scores, scores, lambda x: CriticOutput(x[:, 0]))
    losses = at.variant.objective.generator(batch)
    at.progress = 0.0
    assert torch.equal(at.best(losses, batch), losses)
    at.progress = 0.25
    kept = [scores[:, 0].tolist().index(score) for score in best]
    assert sorted(at.best(losses, batch).tolist()) == sorted(losses[kept].tolist())


def test_the_state_of_began_is_updated_by_the_critics_steps() -> None:
    """k <- clamp(k + lambda_k (gamma E(x) - E(G))), section 3.4 of the paper."""
    critic = {"kind": "autoencoder", "layers": "dense", "width": 8, "norm": "none", "code": 2}
    at = trainer("lsgan", "points", objective={"kind": "began", "gamma": 0.9, "lambda_k": 0.1}, critic=critic)
    k = 0.0
    for seed in range(4):
        metrics = at.critic_step(real_batch("points", seed=seed))
        k = min(max(k + 0.1 * (0.9 * metrics["real_score"] - metrics["fake_score"]).item(), 0.0), 1.0)
        assert metrics["k"].item() == at.loss_state["k"].item() == pytest.approx(k, rel=1e-5)
        at.generator_step(real_batch("points"))
        assert at.loss_state["k"].item() == pytest.approx(k, rel=1e-5)
    assert k > 0


# ---- the average ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("decay", [0.0, 0.25, 0.999])
def test_the_average_is_exponential_over_the_generators_updates(decay: float) -> None:
    at, batches = trainer("lsgan", "digits", ema=decay, algorithm={"critic_steps": 2}), RandomBatches("digits")
    expected = {name: value.double() for name, value in parameters(at.generator).items()}
    for step in range(1, 9):
        at.train_step(batches)
        if step % 2 == 0:
            now = parameters(at.generator)
            d = min(decay, (1 + step // 2) / (10 + step // 2))
            expected = {name: d * value + (1 - d) * now[name].double() for name, value in expected.items()}
    for name, value in at.ema.named_parameters():
        torch.testing.assert_close(value.double(), expected[name], rtol=1e-5, atol=1e-6)
    for (name, kept), new in zip(at.ema.named_buffers(), at.generator.buffers(), strict=True):
        assert torch.equal(kept, new), name


def normalised(net: nn.Module, z: Tensor) -> list[Tensor]:
    """What each batch norm layer makes of the latents in evaluation mode, before its affine map: (N, channels)."""
    found: list[Tensor] = []

    def keep(module: Any, args: Any, out: Tensor) -> None:
        found.append(((out.movedim(1, -1) - module.bias) / module.weight).flatten(0, -2).detach())

    layers = [m for m in net.modules() if isinstance(m, (nn.BatchNorm1d, nn.BatchNorm2d))]
    hooks = [layer.register_forward_hook(keep) for layer in layers]
    with torch.no_grad():
        net.eval()(z)
    net.train()
    for hook in hooks:
        hook.remove()
    return found


@pytest.mark.parametrize("space", ["convolutions", "digits"])
def test_update_bn_gives_the_average_batch_statistics_of_its_own(space: str) -> None:
    at = trainer("lsgan", space, ema=0.9, generator_optimizer={"lr": 0.02}, batch=64)
    batches = RandomBatches(space, 64)
    for _ in range(8):
        at.train_step(batches)
    z = sample_latents(at.variant.latent, 4000, make_rng(7, "fresh", CPU))
    assert max((x.std(0) - 1).abs().max().item() for x in normalised(at.ema, z)) > 0.3
    before, state = parameters(at.ema), torch.get_rng_state()
    Sampler(at.variant.latent, DataTransform("images", 1.0), 0, 64, CPU).update_bn(at.ema)
    for x in normalised(at.ema, z):
        assert x.mean(0).abs().max() < 0.1
        assert (x.std(0) - 1).abs().max() < 0.1
    assert same(parameters(at.ema), before)
    assert torch.equal(torch.get_rng_state(), state)
