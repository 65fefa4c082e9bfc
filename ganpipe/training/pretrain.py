"""Pre-training: an autoencoder critic is trained alone to reconstruct real samples (EBGAN)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import torch
from torch import Tensor

from ganpipe.algorithms._steps import autocast_critic
from ganpipe.batches import Batches, DataTransform, pack_samples
from ganpipe.config.variant import Pretrain, Runtime
from ganpipe.networks import CriticNetwork
from ganpipe.parts import Choice, Count, Frozen, Positive
from ganpipe.prepared import PreparedDataset
from ganpipe.training.checkpoint import Checkpoint
from ganpipe.training.progress import ProgressBar
from ganpipe.training.weights import save_weights
from ganpipe.utils.rng import seeded_init
from ganpipe.utils.signals import defer_signals
from ganpipe.utils.state import Stateful


class Params(Frozen):
    """What the pre-training depends on. margin: of the objective, to report the energy relative to it."""

    critic: Annotated[CriticNetwork, Choice("ganpipe.networks.critics")]
    pretrain: Pretrain
    pack: Count
    batch: Count
    margin: Positive | None


def run(
    name: str, params: Params, runtime: Runtime, data: PreparedDataset, out: Path, checkpoint: Checkpoint | None = None
) -> dict[str, Any]:
    """Write `critic.safetensors`; returns the mean energy of held-out real samples before and after.

    energy_over_margin: EBGAN's hinge pushes the energy of generated samples up to the margin and no further, so above 1
    generated samples would need no more than the energy of real ones.
    """
    device, seed = torch.device(runtime.device), params.pretrain.seed
    transform = DataTransform(data.form, data.scale)
    batches = Batches(data.train[data.seen], params.batch, transform, seed, "pretrain", device)
    with seeded_init(seed, "critic"):
        critic = params.critic.build((data.shape[0] * params.pack, *data.shape[1:])).to(device)
    optimizer = params.pretrain.optimizer.build(critic.parameters())
    num_test = len(data.test) // params.pack * params.pack  # whole packs
    test = transform.to_model(torch.from_numpy(data.test[:num_test]).to(device))
    forward = autocast_critic(critic, runtime)

    def energy(x: Tensor) -> Tensor:
        return forward(pack_samples(x, params.pack)).score.mean()

    @torch.no_grad()
    def test_energy() -> float:
        critic.eval()
        mean = energy(test).item()
        critic.train()
        return mean

    before = test_energy()
    steps, margin = params.pretrain.steps, params.margin
    checkpoint = checkpoint or Checkpoint.disabled()
    state: dict[str, Stateful] = {"critic": critic, "optimizer": optimizer, "batches": batches}
    with defer_signals(), ProgressBar(name, steps) as progress:
        progress.begin = checkpoint.resume(state)
        for step in range(progress.begin + 1, steps + 1):
            params.pretrain.optimizer.follow_schedules(optimizer, (step - 1) / steps)
            loss = energy(next(batches).x)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            if step % 50 == 0 or step == steps:
                progress.update(step, {"reconstruction_loss": loss.item()})
            checkpoint.maybe_save(step, state, last=step == steps)
    after = test_energy()
    save_weights(critic, out / "critic.safetensors")
    share = None if margin is None else after / margin
    return {
        "steps": steps,
        "energy_before": before,
        "energy_after": after,
        "margin": margin,
        "energy_over_margin": share,
    }
