"""What probes share: networks and optimizers from a seed, and the training of a critic at a fixed generator."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn, optim

from ganpipe.algorithms._steps import optimizer_step
from ganpipe.constraints import Constraint
from ganpipe.critic import CriticBatch
from ganpipe.networks import CriticNetwork
from ganpipe.networks.critics.mlp import MLPCritic
from ganpipe.objectives import Objective
from ganpipe.optimizers.adam import Adam
from ganpipe.penalties import Penalty
from ganpipe.penalties.gradient_penalty import GradientPenalty
from ganpipe.utils.rng import make_rng, seeded_init

Watch = Callable[[int, Any], None]
"""Called with the number of steps done and the critic, before the first step and after each."""

WGAN_GP = GradientPenalty(kind="gradient_penalty", weight=10.0, target=1.0, one_sided=False)


def adam(parameters: Iterable[nn.Parameter], lr: float, betas: tuple[float, float] = (0.5, 0.999)) -> optim.Optimizer:
    """The project's Adam at a constant rate."""
    return Adam(kind="adam", lr=lr, betas=betas).build(parameters)


def mlp(width: int, depth: int, **changes: Any) -> MLPCritic:
    """An MLP critic of raw scores without normalisation, but for the changes."""
    settings = {"norm": "none", "output": "score", "first_layer_scale": 1.0, "bias_spread": 0.0} | changes
    return MLPCritic.model_validate({"kind": "mlp", "width": width, "depth": depth} | settings)


def build(network: CriticNetwork, shape: tuple[int, ...], seed: int, dtype: torch.dtype = torch.float64) -> nn.Module:
    """The critic, from this seed."""
    with seeded_init(seed, "critic"):
        return network.build(shape).to(dtype)


def train_critic(
    critic: nn.Module,
    objective: Objective,
    real: Tensor,
    fake: Tensor,
    *,
    steps: int,
    lr: float,
    seed: int = 0,
    batch: int | None = None,
    penalties: Sequence[Penalty] = (),
    constraints: Sequence[Constraint] = (),
    betas: tuple[float, float] = (0.5, 0.999),
    watch: Watch | None = None,
    anneal: bool = False,
) -> nn.Module:
    """Train the critic on fixed samples, (N, ...) and (M, ...). batch: samples of each a step; None: all.

    anneal: the rate falls linearly to 0, so that the critic ends at its best and does not go on around it.
    """
    optimizer, rng = adam(critic.parameters(), lr, betas), make_rng(seed, "probe", "cpu")
    for constraint in constraints:
        constraint.enforce(critic)
    for step in range(steps + 1):
        if watch is not None:
            watch(step, critic)
        if step == steps:
            break
        if anneal:
            optimizer.param_groups[0]["lr"] = lr * (1 - step / steps)
        x, y = (real, fake) if batch is None else (draw(real, batch, rng), draw(fake, batch, rng))
        samples = CriticBatch(x, y, critic)
        loss = objective.critic(samples).mean()
        for penalty in penalties:
            loss = loss + penalty(critic, samples, rng).mean()
        optimizer_step(optimizer, loss)
        for constraint in constraints:
            constraint.enforce(critic)
    return critic


def draw(samples: Tensor, n: int, rng: torch.Generator) -> Tensor:
    """n of the samples, with repetitions."""
    return samples[torch.randint(len(samples), (n,), generator=rng)]
