"""Loops that `benchmarks.train` compares with: a textbook loop in plain torch, and the known libraries' order of work.

Nothing here is copied: the loops and the ResNet are stated anew from the papers and from what such code does. Dense
networks and DCGAN are this project's own modules, which are plain torch layers in a row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate, relu, softplus
from torch.nn.utils import parametrizations

from ganpipe.config.variant import Variant
from ganpipe.schedules import at

Step = Callable[[], Any]
Shape = tuple[int, ...]


class Up(nn.Module):
    """SNGAN's block for generators (arXiv 1802.05957, figure 9), with the shortcut as libraries have it."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.BatchNorm2d(width), nn.BatchNorm2d(width)
        self.conv1, self.conv2 = (nn.Conv2d(width, width, 3, padding=1) for _ in range(2))
        self.shortcut = nn.Conv2d(width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        branch = self.conv1(interpolate(relu(self.norm1(x)), scale_factor=2.0))
        branch = self.conv2(relu(self.norm2(branch)))
        result: Tensor = branch + self.shortcut(interpolate(x, scale_factor=2.0))
        return result


class Down(nn.Module):
    """The one for critics. first: on the image itself."""

    def __init__(self, channels: int, width: int, down: bool, first: bool = False) -> None:
        super().__init__()
        self.down, self.first = down, first
        self.conv1 = nn.Conv2d(channels, width, 3, padding=1)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1)
        self.shortcut = nn.Conv2d(channels, width, 1) if down else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        branch: Tensor = self.conv2(relu(self.conv1(x if self.first else relu(x))))
        branch = avg_pool2d(branch, 2) if self.down else branch
        if self.first:
            x = self.shortcut(avg_pool2d(x, 2))
        elif self.down:
            x = avg_pool2d(self.shortcut(x), 2)
        return branch + x


class Generator(nn.Sequential):
    def __init__(self, latent: int, width: int) -> None:
        start = [nn.Linear(latent, 16 * width), nn.Unflatten(1, (width, 4, 4))]
        end = [nn.BatchNorm2d(width), nn.ReLU(), nn.Conv2d(width, 3, 3, padding=1), nn.Tanh()]
        super().__init__(*start, *(Up(width) for _ in range(3)), *end)


class Critic(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        first, second = Down(3, width, down=True, first=True), Down(width, width, down=True)
        self.blocks = nn.Sequential(first, second, Down(width, width, down=False), Down(width, width, down=False))
        self.linear = nn.Linear(width, 1)

    def forward(self, x: Tensor) -> Tensor:
        score: Tensor = self.linear(relu(self.blocks(x)).sum((2, 3)))
        return score.squeeze(1)


class Scores(nn.Module):
    """This project's critic as a user's: samples to scores (N,)."""

    def __init__(self, critic: nn.Module) -> None:
        super().__init__()
        self.critic = critic

    def forward(self, x: Tensor) -> Tensor:
        score: Tensor = self.critic(x).score
        return score


def networks(variant: Variant, shape: Shape, norm: Callable[[nn.Module], nn.Module]) -> tuple[nn.Module, nn.Module]:
    """Generator and critic; norm: what constrains a layer of a residual critic."""
    if variant.critic.kind != "resnet":
        critic = variant.critic.build(shape)
        return variant.generator.build(variant.latent.size, shape), Scores(critic)
    width: int = getattr(variant.critic, "width", 0)
    critic = Critic(width)
    for layer in list(critic.modules()):
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            norm(layer)
    return Generator(variant.latent.size, width), critic


def critic_loss(kind: str, real: Tensor, fake: Tensor) -> Tensor:
    """The objective's loss of the scores (N,)."""
    return {
        "rpgan": lambda: softplus(fake - real).mean(),
        "wgan": lambda: fake.mean() - real.mean(),
        "non_saturating": lambda: softplus(-real).mean() + softplus(fake).mean(),
        "hinge": lambda: relu(1 - real).mean() + relu(1 + fake).mean(),
    }[kind]()


def gradient(critic: nn.Module, x: Tensor) -> Tensor:
    x = x.detach().requires_grad_(True)
    (found,) = torch.autograd.grad(critic(x).sum(), x, create_graph=True)
    return found.flatten(1)


def penalties(variant: Variant, critic: nn.Module, real: Tensor, fake: Tensor) -> Iterable[Tensor]:
    """Each in a pass of its own, as in the papers' code."""
    for penalty in variant.penalties:
        if penalty.kind == "gradient_penalty":
            a = torch.rand(len(real), *[1] * (real.ndim - 1), device=real.device)
            norm = gradient(critic, a * real + (1 - a) * fake).norm(2, dim=1)
            yield penalty.weight * ((norm - 1) ** 2).mean()
        else:
            at = {"r1": real, "r2": fake}[penalty.kind]
            yield penalty.weight / 2 * gradient(critic, at).square().sum(1).mean()


def textbook(variant: Variant, data: Tensor, device: str, *, library: bool = False) -> tuple[Step, int]:
    """One update of the critic, and after every `critic_steps` one of the generator; and the number of parameters.

    Separate passes for real, generated and penalised samples, Adam as torch has it by default, losses read at each
    step; no moving average. Where both take turns the generator's pass is shared by both updates, as in the DCGAN
    tutorial of PyTorch, but for relativistic losses, which take new samples. library: the order of work of mimicry and
    StudioGAN: a pass of the generator for each update of the critic, spectral norm by torch's hook at every forward
    pass of the critic, scores read at each step besides the losses.
    """
    kind, shape, batch, latent = variant.objective.kind, tuple(data.shape[1:]), variant.batch, variant.latent.size
    every: int = getattr(variant.algorithm, "critic_steps", 1)
    norm = torch.nn.utils.spectral_norm if library else parametrizations.spectral_norm
    generator, critic = (net.to(device) for net in networks(variant, shape, norm))
    rates: Any = at(variant.generator_optimizer, 0.0)
    optimizer_g, optimizer_d = (
        torch.optim.Adam(net.parameters(), lr=rates.lr, betas=rates.betas) for net in (generator, critic)
    )
    log: list[tuple[float, ...]] = []
    steps = 0

    def noise() -> Tensor:
        return torch.randn(batch, latent, device=device)

    def reals() -> Tensor:
        return data[torch.randint(len(data), (batch,), device=device)]

    def step() -> None:
        nonlocal steps
        steps += 1
        share = every == 1 and kind == "non_saturating"
        real = reals()
        if share:
            fake = generator(noise())
        else:
            with torch.no_grad():
                fake = generator(noise())
        optimizer_d.zero_grad()
        real_score, fake_score = critic(real), critic(fake.detach())
        loss = critic_loss(kind, real_score, fake_score)
        for term in penalties(variant, critic, real, fake.detach()):
            loss = loss + term
        loss.backward()
        optimizer_d.step()
        log.append((loss.item(),))
        if library:
            log.append((real_score.sigmoid().mean().item(), fake_score.sigmoid().mean().item()))
        if steps % every == 0:
            optimizer_g.zero_grad()
            score = critic(fake if share else generator(noise()))
            if kind == "rpgan":
                loss = softplus(critic(reals()) - score).mean()
            else:
                loss = softplus(-score).mean() if kind == "non_saturating" else -score.mean()
            loss.backward()
            optimizer_g.step()
            log.append((loss.item(),))

    return step, sum(weight.numel() for net in (generator, critic) for weight in net.parameters())
