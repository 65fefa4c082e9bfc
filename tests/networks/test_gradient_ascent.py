"""Gradient ascent by hand: where it leads on a known score, and what it leaves alone."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from ganpipe.critic import CriticOutput
from ganpipe.networks.generators.gradient_ascent import GradientAscent, GradientAscentGenerator


class Bowl(nn.Module):
    """score = -a/2 |x - peak|^2, with its peak at 2 for each feature; its gradient is a (2 - x)."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.quiet = nn.Parameter(torch.tensor(0.5)), nn.Dropout(0.5)

    def forward(self, x: Tensor) -> CriticOutput:
        return CriticOutput(-self.a / 2 * (self.quiet(x) - 2).flatten(1).square().sum(1))


def ascent(shape: tuple[int, ...], steps: int = 3, rate: float = 0.2, sign: int = 1) -> GradientAscent:
    part = GradientAscentGenerator.model_validate({"kind": "gradient_ascent", "steps": steps, "rate": rate})
    return part.build_sampler(Bowl(), shape, sign)


@pytest.mark.parametrize("sign", [1, -1])
def test_each_step_is_the_rate_times_the_gradient(sign: int) -> None:
    """With a = 0.5 and rate 0.2 the way to the peak is 0.9 times as long after a step up, 1.1 times after one down."""
    z = torch.randn(7, 2)
    with torch.no_grad():  # as samples are made
        torch.testing.assert_close(ascent((2,), sign=sign)(z), 2 + (1 - sign * 0.1) ** 3 * (z - 2))


def test_images_stay_in_range_and_points_do_not() -> None:
    z = 3 * torch.randn(7, 4)
    assert torch.equal(ascent((1, 2, 2), steps=50)(z), torch.ones(7, 1, 2, 2))
    torch.testing.assert_close(ascent((4,), steps=200)(z), torch.full((7, 4), 2.0), rtol=1e-3, atol=1e-3)
    first = ascent((1, 2, 2), steps=1)(z)
    torch.testing.assert_close(first.flatten(1), (2 + 0.9 * (z.clamp(-1, 1) - 2)).clamp(-1, 1))


def test_the_critic_is_left_as_it_was() -> None:
    net, z = ascent((2,)), torch.randn(5, 2)
    given = z.clone()
    for training in (True, False):
        net.critic.train(training)
        assert torch.equal(net(z), net(z))  # no dropout while it ascends
        assert net.critic.training == net.critic.quiet.training == training  # type: ignore[union-attr]
    assert torch.equal(z, given)
    assert not z.requires_grad
    assert all(weight.grad is None for weight in net.critic.parameters())
    assert not net(z).requires_grad


def test_needs_a_number_for_each_feature_and_reads_no_more() -> None:
    part = GradientAscentGenerator.model_validate({"kind": "gradient_ascent", "steps": 1, "rate": 1.0})
    assert part.latent_incompatibility(64, (1, 8, 8)) is None
    assert part.latent_incompatibility(65, (1, 8, 8)) is None
    assert "use latent.size 64" in str(part.latent_incompatibility(63, (1, 8, 8)))
    z = torch.randn(5, 3)
    assert torch.equal(ascent((2,))(z), ascent((2,))(z[:, :2]))
