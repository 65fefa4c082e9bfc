"""Several objectives at once, each on its own column of scores; and no objective."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor

from ganpipe.game import Judgement, Round
from ganpipe.objectives import Objective
from ganpipe.objectives.ensemble import Ensemble
from ganpipe.params import part_class

MEMBERS: list[dict[str, Any]] = [
    {"kind": "hinge"},
    {"kind": "lsgan", "real": 1.0, "fake": 0.0, "target": 1.0},
    {"kind": "ragan", "form": "logistic"},
    {"kind": "fgan", "divergence": "kl", "generator_loss": "saddle"},
    {"kind": "gls", "margin": 1.0, "slope": 0.2},
]


def build(members: list[dict[str, Any]]) -> Ensemble:
    return Ensemble.model_validate({"kind": "ensemble", "members": members})


def samples() -> tuple[Tensor, Tensor]:
    rng = torch.Generator().manual_seed(0)
    return torch.randn(6, 2, generator=rng), torch.randn(6, 2, generator=rng) + 1


def critic(x: Tensor) -> Judgement:
    """Another function of the sample in each column."""
    return Judgement(torch.stack([(k + 1) * x.sum(1) - k + x[:, 0] ** k for k in range(len(MEMBERS))], 1), x)


@pytest.mark.parametrize("joint", [False, True])
@pytest.mark.parametrize("loss", ["critic", "generator"])
def test_it_is_the_mean_of_its_members_each_on_its_own_column(loss: str, joint: bool) -> None:
    real, fake = samples()
    game = (Round.joint if joint else Round)(real, fake, critic)
    found = getattr(build(MEMBERS), loss)(game)
    single = []
    for k, member in enumerate(MEMBERS):
        part = part_class("ganpipe.objectives", member["kind"]).model_validate(member)
        alone = Round(real, fake, lambda x, k=k: Judgement(critic(x).score[:, k]))
        single.append(getattr(part, loss)(alone))
    assert found.shape == (6,)
    torch.testing.assert_close(found, sum(single) / len(MEMBERS))
    other = [getattr(build(MEMBERS), loss)((Round)(fake, real, critic))]
    assert not torch.allclose(found, other[0])


def test_members_of_another_order_read_other_columns() -> None:
    real, fake = samples()
    one, other = (build(m).critic(Round(real, fake, critic)) for m in (MEMBERS, MEMBERS[::-1]))
    assert not torch.allclose(one, other)


def test_each_column_gets_its_members_gradient_only() -> None:
    scores = [torch.zeros(4, 2, requires_grad=True) for _ in range(2)]
    real, fake = torch.zeros(4, 1), torch.ones(4, 1)
    game = Round(real, fake, lambda x: Judgement(scores[1] if x is fake else scores[0]))
    objective = build([{"kind": "wgan"}, {"kind": "hinge"}])
    on_real, on_fake = torch.autograd.grad(objective.critic(game).sum(), scores)
    torch.testing.assert_close(on_real, torch.tensor([[-0.5, -0.5]]).expand(4, 2))
    torch.testing.assert_close(on_fake, torch.tensor([[0.5, 0.5]]).expand(4, 2))
    assert torch.autograd.grad(objective.generator(game).sum(), scores, allow_unused=True)[0] is None


def test_the_critic_is_judged_once_for_all_members() -> None:
    real, fake = samples()
    asked: list[bool] = []

    def counting(x: Tensor) -> Judgement:
        asked.append(x is real)
        return critic(x)

    game = Round(real, fake, counting)
    build(MEMBERS).critic(game)
    assert sorted(asked) == [False, True]


def test_it_says_how_many_critics_it_reads() -> None:
    assert build(MEMBERS).num_scores == len(MEMBERS)
    assert build(MEMBERS[:2]).num_scores == 2
    assert not build(MEMBERS).has_state
    assert part_class("ganpipe.objectives", "hinge").model_validate({"kind": "hinge"}).num_scores == 1  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "member",
    [
        {"kind": "none"},
        {"kind": "began", "gamma": 0.5, "lambda_k": 0.1},
        {"kind": "ebgan", "margin": 1.0},
        {"kind": "loss_sensitive", "margin": 1.0, "gamma": 0.0},
        {"kind": "ensemble", "members": MEMBERS[:2]},
    ],
    ids=lambda member: member["kind"],
)
def test_members_that_make_no_sense_are_refused_where_they_stand(member: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        build([MEMBERS[0], member])
    (error,) = caught.value.errors()
    assert error["loc"] == ("members", 1, "kind")
    assert error["input"] == member["kind"]
    assert "use `kind: non_saturating`" in error["msg"]


@pytest.mark.parametrize("members", [[], MEMBERS[:1]])
def test_one_is_no_ensemble(members: list[dict[str, Any]]) -> None:
    with pytest.raises(ValidationError, match="at least 2"):
        build(members)


def test_no_objective_has_no_losses() -> None:
    part = part_class("ganpipe.objectives", "none").model_validate({"kind": "none"})
    assert isinstance(part, Objective)
    assert not part.has_state
    game = Round(*samples(), critic)
    for loss in (part.critic, part.generator):
        with pytest.raises(NotImplementedError):
            loss(game)
