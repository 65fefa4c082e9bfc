"""What the training steps of several algorithms share."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn, optim

from ganpipe.algorithms import Metrics, NetworkName
from ganpipe.critic import CriticBatch, CriticFunction, CriticOutput, LossState, Samples
from ganpipe.schedules import at
from ganpipe.utils.conventions import GRADIENT
from ganpipe.utils.parallel import gather, own_rows, sum_gradients, world_size

if TYPE_CHECKING:
    from ganpipe.config.variant import Runtime, Variant


def autocast(runtime: Runtime) -> AbstractContextManager[object]:
    """Forward passes inside run in bfloat16 where the runtime's precision is that; weights stay in float32."""
    return torch.autocast(runtime.device, torch.bfloat16, enabled=runtime.precision == "bfloat16")


def autocast_critic(critic: CriticFunction, runtime: Runtime) -> CriticFunction:
    """The critic in the runtime's precision, samples (N, ...) to its output in float32; each process runs its part."""
    if runtime.precision != "bfloat16" and world_size() == 1:
        return critic

    return _Critic(critic, runtime)


class _Critic:
    """in_float32: the same in full precision, where it is not that."""

    def __init__(self, critic: CriticFunction, runtime: Runtime) -> None:
        self._critic, self._runtime = critic, runtime
        if runtime.precision == "bfloat16":
            self.in_float32 = autocast_critic(critic, runtime.model_copy(update={"precision": "float32"}))

    def __call__(self, x: Tensor) -> CriticOutput:
        with autocast(self._runtime):
            output = self._critic(own_rows(x))
        if self._runtime.precision == "bfloat16":
            code, logits = (None if part is None else part.float() for part in (output.code, output.class_logits))
            output = CriticOutput(output.score.float(), code, logits)
        return CriticOutput(gather(output.score), gather(output.code), gather(output.class_logits))


def critic_batch(
    variant: Variant, real: Tensor, fake: Tensor, critic: CriticFunction, loss_state: LossState
) -> CriticBatch:
    """D(x) and D(G(z)), computed in one forward pass where no layer couples samples.

    Batch norm does: real and generated samples then have batch statistics of their own. With spectral norm one pass is
    one power iteration, and two would be two.
    """
    at: frozenset[Samples] = frozenset().union(*(p.gradients_at for p in variant.penalties if p.network == "critic"))
    # a gradient at one half of a joint pass would be taken through the other half as well
    joint = not variant.critic.uses_batch_stats and len(at) != 1
    return CriticBatch(real, fake, critic, loss_state, joint=joint, gradients_at=at)


def initial_loss_state(variant: Variant, device: str) -> LossState:
    """What the objective and the penalties keep between critic steps, before the first."""
    state = variant.objective.initial_state(torch.device(device))
    for penalty in variant.penalties:
        state = state | penalty.initial_state(torch.device(device))
    return state


def next_loss_state(variant: Variant, batch: CriticBatch, progress: float) -> LossState:
    """The same after a critic step on this batch."""
    state = variant.objective.next_state(batch)
    for penalty in variant.penalties:
        state = state | at(penalty, progress).next_state(batch)
    return state


def penalty_terms(
    variant: Variant,
    network: NetworkName,
    critic: CriticFunction,
    batch: CriticBatch,
    rng: torch.Generator,
    progress: float,
) -> Metrics:
    """The penalties on the loss of this network, weighted, each of shape (); a second one of a kind is `<kind>_2`.

    critic: in the networks' precision; gradients at samples and their norms come out in float32.
    progress: the share of the training's steps that is done, for scheduled weights.
    """
    terms: Metrics = {}
    kinds: list[str] = []
    for penalty in variant.penalties:
        if penalty.network == network:
            number = 1 + kinds.count(penalty.kind)
            kinds.append(penalty.kind)
            term = at(penalty, progress)(critic, batch, rng).mean()
            terms[penalty.kind if number == 1 else f"{penalty.kind}_{number}"] = term
    return terms


def critic_loss(
    variant: Variant,
    runtime: Runtime,
    real: Tensor,
    fake: Tensor,
    loss_state: LossState,
    rng: torch.Generator,
    progress: float,
    critic: CriticFunction,
) -> Tensor:
    """What the critic minimises, penalties included, as a function of the critic: (); for unrolling."""
    critic = autocast_critic(critic, runtime)
    batch = critic_batch(variant, real, fake, critic, loss_state)
    penalties = penalty_terms(variant, "critic", critic, batch, rng, progress)
    return torch.stack([variant.objective.critic(batch).mean(), *penalties.values()]).sum()


def optimizer_step(optimizer: optim.Optimizer, *terms: Tensor) -> None:
    """One step down the sum of the terms, each of shape ()."""
    set_gradients(optimizer, *terms)
    optimizer.step()


def set_gradients(optimizer: optim.Optimizer, *terms: Tensor) -> None:
    """The gradients of the optimizer's parameters become those of the sum of the terms, each of shape ()."""
    loss = terms[0]
    for term in terms[1:]:
        loss = loss + term
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    sum_gradients(weight for group in optimizer.param_groups for weight in group["params"])


def gradient_norm(variant: Variant, name: NetworkName, network: nn.Module, step: int, every: int = 1) -> Metrics:
    """The norm of the gradient just used, at the last step of this network before each row of the history and the end.

    every: steps of the training for each step of this network.
    """
    if -step % variant.log_every >= every and step + every <= variant.steps:
        return {}
    return {f"{name}{GRADIENT}": nn.utils.get_total_norm([p.grad for p in network.parameters() if p.grad is not None])}


def attach_constraints(variant: Variant, networks: dict[NetworkName, nn.Module]) -> None:
    """Before the optimizers are built: spectral norm replaces weights, for instance."""
    for constraint in variant.constraints:
        if constraint.network in networks:
            constraint.attach(networks[constraint.network])


def enforce_constraints(variant: Variant, network: NetworkName, net: nn.Module) -> None:
    """After an optimizer step: clip the weights, for instance."""
    for constraint in variant.constraints:
        if constraint.network == network:
            constraint.enforce(net)
