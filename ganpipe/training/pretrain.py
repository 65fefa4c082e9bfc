"""Training an autoencoder critic alone, to reconstruct real samples, before the game (EBGAN)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import torch
from torch import Tensor

from ganpipe.interruption import patience
from ganpipe.networks import CriticNetwork
from ganpipe.params import Choice, Count, Frozen, Positive
from ganpipe.prepared import PreparedDataset
from ganpipe.training.batches import Batches, Space, packed
from ganpipe.training.checkpoint import Checkpoint
from ganpipe.training.history import Progress
from ganpipe.training.state import Stateful
from ganpipe.training.streams import initialised_by
from ganpipe.training.weights import save_weights
from ganpipe.variant import Pretrain, Runtime


class Job(Frozen):
    """What a row's pre-training depends on. margin: the objective's, to report the energy in its units."""

    critic: Annotated[CriticNetwork, Choice("ganpipe.networks.critics")]
    pretrain: Pretrain
    pack: Count
    batch: Count
    margin: Positive | None


def run(
    name: str, job: Job, runtime: Runtime, data: PreparedDataset, out: Path, checkpoint: Checkpoint | None = None
) -> dict[str, Any]:
    """Write `critic.safetensors`; returns the mean energy of held-out real samples before and after.

    energy_over_margin: a game in which the energy of fakes never comes below the margin has no use for it, and one
    that starts with real energies above it can only grow them; the figure says where the game starts.
    """
    device, seed = torch.device(runtime.device), job.pretrain.seed
    space = Space(data.form, data.scale)
    batches = Batches(data.train, job.batch, space, seed, "pretrain", device)
    with initialised_by(seed, "critic"):
        critic = job.critic.build((data.shape[0] * job.pack, *data.shape[1:])).to(device)
    optimizer = job.pretrain.optimizer.build(critic.parameters())
    whole = len(data.test) // job.pack * job.pack
    test = space.to_model(torch.from_numpy(data.test[:whole]).to(device))

    def energy(x: Tensor) -> Tensor:
        score: Tensor = critic(packed(x, job.pack)).score
        return score.mean()

    with torch.no_grad():
        before = energy(test).item()
    steps, margin = job.pretrain.steps, job.margin
    checkpoint = checkpoint or Checkpoint.nowhere()
    lasting: dict[str, Stateful] = {"critic": critic, "optimizer": optimizer, "batches": batches}
    with patience(), Progress(name, steps) as progress:
        progress.begin = checkpoint.resume(lasting)
        for step in range(progress.begin + 1, steps + 1):
            loss = energy(next(batches))
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            if step % 50 == 0 or step == steps:
                progress.update(step, {"reconstruction_loss": loss.item()})
            checkpoint.keep(step, lasting, last=step == steps)
    critic.eval()
    with torch.no_grad():
        after = energy(test).item()
    save_weights(critic, out / "critic.safetensors")
    share = None if margin is None else after / margin
    return {
        "steps": steps,
        "energy_before": before,
        "energy_after": after,
        "margin": margin,
        "energy_over_margin": share,
    }
