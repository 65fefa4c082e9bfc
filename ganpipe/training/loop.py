"""One training from beginning to end: from prepared data and a row's parameters to a folder of results."""

from __future__ import annotations

import copy
import importlib
import io
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor, nn

from ganpipe.files import write_whole
from ganpipe.interruption import patience
from ganpipe.looks import moments
from ganpipe.prepared import PreparedDataset
from ganpipe.training import sampling
from ganpipe.training.batches import Batches, Space
from ganpipe.training.checkpoint import Checkpoint
from ganpipe.training.history import History, Progress
from ganpipe.training.protocol import Training
from ganpipe.training.state import Stateful
from ganpipe.training.watch import Verdict, Watcher
from ganpipe.training.weights import save_tensors, save_weights
from ganpipe.variant import Runtime, Variant

# of the fixed noise in a picture: no figure depends on them
SHOWN = {"images": 64, "points": 2000}
# so many held-out samples at most, for the figures of each row of the history
HELD_OUT = 2000


@dataclass(frozen=True)
class Job:
    """What to train: a row's parameters on prepared data with one seed, and where the results go."""

    name: str
    variant: Variant
    runtime: Runtime
    data: PreparedDataset
    seed: int
    out: Path
    pretrained: Path | None = None
    checkpoint: Checkpoint = field(default_factory=Checkpoint.nowhere)


@dataclass(frozen=True)
class Outcome:
    """verdict: None where nothing is wrong. clocks: they vary from run to run, so nothing may depend on them."""

    verdict: Verdict | None
    clocks: dict[str, float]


def configure(runtime: Runtime) -> None:
    """Make torch compute as the spec says. Once per process, before any tensor."""
    torch.set_num_threads(runtime.threads)
    torch.set_float32_matmul_precision("highest")
    if runtime.deterministic:
        # cuBLAS reads it when it starts; https://docs.nvidia.com/cuda/cublas, "Results Reproducibility"
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        # filling memory that nobody reads takes time and changes nothing
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    torch.use_deterministic_algorithms(runtime.deterministic)


def train(job: Job) -> Outcome:
    """Train and write `history.csv`, `grids/`, `moments/`, weights and samples into `job.out`.

    A training whose figures are no longer finite ends there, with everything written as it is. One that is asked to
    end raises Interrupted after the step that it is at, and goes on from there when it is called again.
    """
    variant, device = job.variant, torch.device(job.runtime.device)
    space = Space(job.data.form, job.data.scale)
    batches = Batches(job.data.train, variant.batch, space, job.seed, "order", device)
    procedure = importlib.import_module(f"ganpipe.training.{variant.procedure.kind}")
    weights = None if job.pretrained is None else load_file(job.pretrained)
    game: Training = procedure.Game(variant, job.data.shape, job.runtime, job.seed, weights)
    held_out = space.to_model(torch.from_numpy(job.data.test[:HELD_OUT]).to(device))

    def draw(net: nn.Module, n: int, purpose: str) -> Any:
        return sampling.sample(net, variant.latent, n, space, job.seed, purpose, device)

    def look(step: int) -> dict[str, Tensor]:
        """Keep samples of this moment, from copies: nothing that the training goes on with is touched."""
        game.settle(batches)
        nets = {name: copy.deepcopy(net) for name, net in game.generators().items()}
        sampling.recalibrate(nets["ema"], variant.latent, variant.batch, job.seed, device)
        made = {name: draw(net, variant.moments.samples, "moment") for name, net in nets.items()}
        for name, samples in made.items():
            save_array(samples, job.out / "moments" / f"{step:06d}{suffix(name)}.npy")
        return watcher.moment(step, made["raw"], draw(nets["raw"], SHOWN[job.data.form], "shown"))

    history, watcher = History(job.out / "history.csv"), Watcher(variant.watch, job.data)
    looks = moments(variant.steps, variant.moments.count)
    # all that a step reads and another one wrote: a checkpoint
    lasting: dict[str, Stateful] = {"game": game, "batches": batches, "history": history, "watcher": watcher}
    with history, patience(), Progress(job.name, variant.steps) as progress:
        step = progress.begin = job.checkpoint.resume(lasting)
        while step < variant.steps and not watcher.ended:
            step += 1
            figures = game.step(batches)
            history.add(figures)
            watcher.figures(step, figures, now=step in looks)
            if step in looks and not watcher.ended:
                watcher.weights(step, game.generators())
            if watcher.ended:
                history.add({"verdict": torch.tensor(1.0)})
            last = step == variant.steps or watcher.ended
            if step in looks and not watcher.ended:
                history.add(look(step))
            if last or step % variant.log_every == 0:
                history.add(game.held_out(held_out))
                progress.update(step, history.write(step))
            if last or step % variant.grid_every == 0:
                game.settle(batches)
                shown = draw(game.generators()["raw"], SHOWN[job.data.form], "shown")
                sampling.save(sampling.picture(shown, job.data.train), job.out / "grids" / f"{step:06d}.png")
            job.checkpoint.keep(step, lasting, last=last)
    seconds = job.checkpoint.seconds

    game.settle(batches)
    sampling.recalibrate(game.generators()["ema"], variant.latent, variant.batch, job.seed, device)
    for name, net in game.generators().items():
        save_weights(net, job.out / f"generator{suffix(name)}.safetensors")
        save_array(draw(net, variant.samples, "samples"), job.out / f"samples{suffix(name)}.npy")
    for name, net in game.networks().items():
        save_weights(net, job.out / f"{name}.safetensors")
    if state := game.remembered():
        save_tensors(state, job.out / "objective.safetensors")
    return Outcome(watcher.verdict, {"training_seconds": seconds, "steps_per_second": step / seconds})


def suffix(weights: str) -> str:
    """What the names of files from the averaged generator end with."""
    return "" if weights == "raw" else f"_{weights}"


def save_array(array: NDArray[Any], path: Path) -> None:
    """Write a .npy file. Raises OSError where it cannot be written."""
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    write_whole(path, buffer.getvalue())
