"""The two-player game: the average of the generator's weights, and its own statistics of a batch norm."""

from __future__ import annotations

import copy

import pytest
import torch
from ganpipe.training.adversarial import draw
from ganpipe.training.streams import stream
from torch import Tensor, nn
from training_games import CPU, Endless, game, parameters, same, seen_by, weights

from ganpipe.training import sampling


@pytest.mark.parametrize("decay", [0.0, 0.5, 0.9, 0.999])
def test_the_average_is_the_closed_form(decay: float) -> None:
    """decay^k w_0 + (1 - decay) sum of decay^(k - i) w_i, over the generator's steps."""
    at = game("lsgan", "digits", ema=decay, procedure={"critic_steps": 2}, generator_optimizer={"lr": 0.05})
    batches, history = Endless("digits"), [parameters(at.generator)]
    for step in range(1, 13):
        at.step(batches)  # type: ignore[arg-type]
        if step % 2 == 0:
            history.append(parameters(at.generator))
    k = len(history) - 1
    assert k == 6
    for name, value in at.average.named_parameters():
        terms = [(1 - decay) * decay ** (k - i) * history[i][name].double() for i in range(1, k + 1)]
        expected = decay**k * history[0][name].double() + sum(terms)
        torch.testing.assert_close(value.double(), expected, rtol=1e-5, atol=1e-6)
    for (name, kept), new in zip(at.average.named_buffers(), at.generator.buffers(), strict=True):
        assert torch.equal(kept, new), name
    assert not same(parameters(at.average), parameters(at.generator)) or decay == 0


def activations(net: nn.Module, z: Tensor) -> list[Tensor]:
    """What each batch norm makes of the latents in evaluation mode, (N, channels)."""
    found: list[Tensor] = []
    hooks = [
        layer.register_forward_hook(
            lambda module, args, out: found.append(
                ((out.movedim(1, -1) - module.bias) / module.weight).flatten(0, -2).detach()
            )
        )
        for layer in net.modules()
        if isinstance(layer, (nn.BatchNorm1d, nn.BatchNorm2d))
    ]
    net.eval()
    with torch.no_grad():
        net(z)
    net.train()
    for hook in hooks:
        hook.remove()
    return found


@pytest.mark.parametrize("space", ["convolutions", "digits"])
def test_recalibration_makes_the_averages_statistics_its_own(space: str) -> None:
    # fast steps and a slow average: the statistics that the average copied are those of other weights
    at = game("lsgan", space, ema=0.9, generator_optimizer={"lr": 0.02}, batch=64)
    batches = Endless(space, 64)
    for _ in range(8):
        at.step(batches)  # type: ignore[arg-type]
    net = at.average
    z = draw(at.variant.latent, 4000, stream(7, "fresh", CPU))
    before = activations(net, z)
    assert before
    assert max((x.std(0) - 1).abs().max().item() for x in before) > 0.3
    weights_before, momenta = parameters(net), [getattr(m, "momentum", None) for m in net.modules()]
    torch.manual_seed(0)
    state = torch.get_rng_state()
    sampling.recalibrate(net, at.variant.latent, 64, 0, CPU)
    for x in activations(net, z):
        assert x.mean(0).abs().max() < 0.1
        assert (x.std(0) - 1).abs().max() < 0.1
    assert same(parameters(net), weights_before)
    assert [getattr(m, "momentum", None) for m in net.modules()] == momenta
    assert net.training
    assert torch.equal(torch.get_rng_state(), state)
    again = copy.deepcopy(net)
    sampling.recalibrate(again, at.variant.latent, 64, 0, CPU)
    assert same(weights(again), weights(net))


def test_recalibration_does_nothing_without_batch_norm() -> None:
    at = game("lsgan", "points", generator={"norm": "layer"})
    at.average.eval()
    before, seen = weights(at.average), seen_by(at.average)
    sampling.recalibrate(at.average, at.variant.latent, 8, 0, CPU)
    assert same(weights(at.average), before)
    assert not at.average.training
    assert not seen
