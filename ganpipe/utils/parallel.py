"""One training in several processes: each runs the networks on its part of the batch, and has all of everything else.

Every process holds the whole batch, the same weights and the same random numbers, so losses, penalties and states are
computed by the code of one process, in each process alike. What is divided is the forward and backward pass of the
networks: `spread` gives a network this process's rows and puts the outputs of all together, and `sum_gradients` adds up
the gradients of the weights. The backward of `gather` is this process's rows alone, as all processes have the same
loss. Outside of a process group all of it is the identity.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.autograd import Function
from torch.nn.modules.batchnorm import _BatchNorm

from ganpipe.utils.state import Stateful, from_bytes, to_bytes


def world_size() -> int:
    """The number of processes of this training."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def own_rows(x: Tensor) -> Tensor:
    """The rows of a batch (N, ...) that are this process's: (N / processes, ...)."""
    if world_size() == 1:
        return x
    own: Tensor = x.unflatten(0, (world_size(), -1))[dist.get_rank()]
    return own


def gather(rows: Tensor | None) -> Any:
    """The rows of all processes, (n, ...) to (processes * n, ...); None of None."""
    return rows if rows is None or world_size() == 1 else _Gather.apply(rows)


def spread(network: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """The network, (N, ...) to (N, ...), run on this process's rows."""
    return lambda x: gather(network(own_rows(x)))


def sum_gradients(weights: Iterable[Tensor]) -> None:
    """The gradients of all processes are added up, in one message."""
    gradients = [weight.grad for weight in weights if weight.grad is not None]
    if world_size() == 1 or not gradients:
        return
    flat = torch.cat([gradient.flatten() for gradient in gradients])
    dist.all_reduce(flat)
    for gradient, part in zip(gradients, flat.split([g.numel() for g in gradients]), strict=True):
        gradient.copy_(part.view_as(gradient))


def share_state(step: int, parts: dict[str, Stateful]) -> int:
    """What the first process has resumed: its step, with the parts as they are there."""
    if world_size() == 1:
        return step
    state = {name: part.state_dict() for name, part in parts.items()} if dist.get_rank() == 0 else {}
    message: list[Any] = [step, to_bytes({"random": torch.get_rng_state(), "parts": state})]
    dist.broadcast_object_list(message, device=torch.device("cpu"))
    if dist.get_rank() and message[0]:
        found = from_bytes(message[1])
        torch.set_rng_state(found["random"])
        for name, part in parts.items():
            part.load_state_dict(found["parts"][name])
    return int(message[0])


def synchronised(network: nn.Module) -> nn.Module:
    """The network, whose batch norms have the statistics of the rows of all processes; torch's are for GPUs alone."""
    for name, layer in network.named_children():
        if world_size() > 1 and isinstance(layer, _BatchNorm):
            norm = _SynchronisedBatchNorm(layer.num_features, layer.eps, layer.momentum)
            norm.load_state_dict(layer.state_dict())
            setattr(network, name, norm)
        else:
            synchronised(layer)
    return network


class _SynchronisedBatchNorm(_BatchNorm):
    def _check_input_dim(self, input: Tensor) -> None:
        """Any."""

    def forward(self, input: Tensor) -> Tensor:
        if not self.training:
            return super().forward(input)
        axes, shape = [0, *range(2, input.ndim)], (1, -1, *(1,) * (input.ndim - 2))
        x = input.float() if input.dtype == torch.bfloat16 else input
        mean = _Sum.apply(x.mean(axes)) / world_size()
        around = x - mean.view(shape)
        variance = _Sum.apply(around.square().mean(axes)) / world_size()
        self._follow(mean, variance, world_size() * x.numel() // len(mean))
        normalised: Tensor = around * (self.weight * (variance + self.eps).rsqrt()).view(shape) + self.bias.view(shape)
        return normalised.to(input.dtype)

    @torch.no_grad()
    def _follow(self, mean: Tensor, variance: Tensor, n: int) -> None:
        """The running statistics, of which the variance is that without bias of n numbers."""
        buffers: Any = self
        buffers.num_batches_tracked += 1
        share = self.momentum or 1 / float(buffers.num_batches_tracked)
        buffers.running_mean.lerp_(mean, share)
        buffers.running_var.lerp_(variance * n / (n - 1), share)


class _Gather(Function):
    @staticmethod
    def forward(ctx: Any, rows: Tensor) -> Tensor:
        parts = [torch.empty_like(rows, memory_format=torch.contiguous_format) for _ in range(world_size())]
        dist.all_gather(parts, rows.contiguous())
        return torch.cat(parts)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        """All processes have the same loss of all rows."""
        return own_rows(gradient)


class _Sum(Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        total = x.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        """What all processes make of the sum."""
        summed: Tensor = _Sum.apply(gradient)
        return summed
