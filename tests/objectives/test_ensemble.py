"""Several objectives at once, each on its own column of scores."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from objective_cases import batch_of, build
from pydantic import ValidationError
from torch import Tensor

from ganpipe.critic import CriticBatch, CriticOutput

MEMBERS: list[dict[str, Any]] = [
    {"kind": "hinge"},
    {"kind": "lsgan", "real": 1.0, "fake": 0.0, "target": 1.0},
    {"kind": "ragan", "loss": "logistic"},
    {"kind": "fgan", "divergence": "kl", "generator_loss": "saddle"},
    {"kind": "gls", "margin": 1.0, "slope": 0.2},
]


def critic(x: Tensor) -> CriticOutput:
    """Another function of the sample in each column."""
    return CriticOutput(torch.stack([(k + 1) * x.sum(1) - k + x[:, 0] ** k for k in range(len(MEMBERS))], 1), x)


@pytest.mark.parametrize("joint", [False, True])
def test_it_is_the_mean_of_its_members_each_on_its_own_column(joint: bool) -> None:
    rng = torch.Generator().manual_seed(0)
    real, fake = torch.randn(6, 2, generator=rng), torch.randn(6, 2, generator=rng) + 1
    ensemble = build("ensemble", members=MEMBERS)
    assert ensemble.num_scores == 5
    assert ensemble.needs_lipschitz
    for loss in ("critic", "generator"):
        batch = CriticBatch(real, fake, critic, joint=joint)
        single = []
        for k, member in enumerate(MEMBERS):
            alone = CriticBatch(real, fake, lambda x, k=k: CriticOutput(critic(x).score[:, k]))
            single.append(getattr(build(**member), loss)(alone))
        torch.testing.assert_close(getattr(ensemble, loss)(batch), sum(single) / len(MEMBERS))


def test_each_column_gets_the_gradient_of_its_member_only() -> None:
    r, f = (torch.zeros(4, 2, requires_grad=True) for _ in range(2))
    objective = build("ensemble", members=[{"kind": "wgan"}, {"kind": "minimax"}])
    of_reals, of_fakes = torch.autograd.grad(objective.critic(batch_of(r, f)).sum(), (r, f))
    torch.testing.assert_close(of_reals, torch.tensor([[-0.5, -0.25]]).expand(4, 2))
    torch.testing.assert_close(of_fakes, torch.tensor([[0.5, 0.25]]).expand(4, 2))


def test_the_critic_runs_once_for_all_members() -> None:
    runs: list[int] = []

    def counting(x: Tensor) -> CriticOutput:
        runs.append(len(x))
        return critic(x)

    build("ensemble", members=MEMBERS).critic(CriticBatch(torch.zeros(4, 2), torch.ones(4, 2), counting))
    assert runs == [4, 4]


@pytest.mark.parametrize(
    "member",
    [
        {"kind": "none"},
        {"kind": "began", "gamma": 0.5, "lambda_k": 0.1},
        {"kind": "loss_sensitive", "margin": 1.0, "gamma": 0.0},
        {"kind": "ensemble", "members": MEMBERS[:2]},
    ],
    ids=lambda member: member["kind"],
)
def test_members_without_a_score_of_their_own_are_refused(member: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        build("ensemble", members=[MEMBERS[0], member])
    (error,) = caught.value.errors()
    assert (error["loc"], error["input"]) == (("members", 1, "kind"), member["kind"])
    assert "use `kind: non_saturating`" in error["msg"]


def test_one_is_no_ensemble() -> None:
    with pytest.raises(ValidationError, match="at least 2"):
        build("ensemble", members=MEMBERS[:1])
