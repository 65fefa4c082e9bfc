"""What the training steps of several algorithms share."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn, optim

from ganpipe.algorithms import Metrics, Player
from ganpipe.critic import CriticBatch, CriticFunction, CriticOutput, State

if TYPE_CHECKING:
    from ganpipe.config.variant import Runtime, Variant


def autocast(runtime: Runtime) -> AbstractContextManager[object]:
    """Forward passes inside run in bfloat16 where the runtime's precision is that; weights stay in float32."""
    return torch.autocast(runtime.device, torch.bfloat16, enabled=runtime.precision == "bfloat16")


def critic_function(critic: nn.Module, runtime: Runtime) -> CriticFunction:
    """The critic as a function of samples (N, ...), run in the runtime's precision; its output is in float32."""

    def run(x: Tensor) -> CriticOutput:
        with autocast(runtime):
            output: CriticOutput = critic(x)
        return CriticOutput(output.score.float(), None if output.code is None else output.code.float())

    return run


def critic_batch(variant: Variant, real: Tensor, fake: Tensor, critic: CriticFunction, state: State) -> CriticBatch:
    """D on real and generated samples: in one forward pass, or in two where a layer couples samples (batch norm)."""
    build = CriticBatch if variant.critic.uses_batch_stats else CriticBatch.concatenated
    return build(real, fake, critic, state)


def penalty_terms(
    variant: Variant, player: Player, critic: CriticFunction, batch: CriticBatch, rng: torch.Generator
) -> Metrics:
    """The variant's penalties on this player, weighted, each of shape (); a second one of a kind is `<kind>_2`.

    critic: in float32, as penalties take its gradient.
    """
    terms: Metrics = {}
    kinds: list[str] = []
    for penalty in variant.penalties:
        if penalty.player == player:
            number = 1 + kinds.count(penalty.kind)
            kinds.append(penalty.kind)
            terms[penalty.kind if number == 1 else f"{penalty.kind}_{number}"] = penalty(critic, batch, rng).mean()
    return terms


def critic_loss(
    variant: Variant, real: Tensor, fake: Tensor, state: State, rng: torch.Generator, critic: CriticFunction
) -> Tensor:
    """What the critic minimises, penalties included, as a function of the critic: (); for unrolling."""
    batch = critic_batch(variant, real, fake, critic, state)
    penalties = penalty_terms(variant, "critic", critic, batch, rng)
    return torch.stack([variant.objective.critic(batch).mean(), *penalties.values()]).sum()


def optimizer_step(optimizer: optim.Optimizer, *terms: Tensor) -> None:
    """One step down the sum of the terms, each of shape ()."""
    loss = terms[0]
    for term in terms[1:]:
        loss = loss + term
    optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()


def attach_constraints(variant: Variant, networks: dict[Player, nn.Module]) -> None:
    """Before the optimizers are built: spectral norm replaces weights, for instance."""
    for constraint in variant.constraints:
        if constraint.player in networks:
            constraint.attach(networks[constraint.player])


def enforce_constraints(variant: Variant, player: Player, net: nn.Module) -> None:
    """After an optimizer step: clip the weights, for instance."""
    for constraint in variant.constraints:
        if constraint.player == player:
            constraint.enforce(net)
