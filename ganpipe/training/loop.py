"""The training loop: from prepared data and the parameters of a variant to a folder of results."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from pathlib import Path

import torch
from safetensors.torch import load_file

from ganpipe.batches import Batches, DataTransform
from ganpipe.config.variant import Runtime, Variant
from ganpipe.prepared import PreparedDataset
from ganpipe.training.checkpoint import Checkpoint
from ganpipe.training.grids import save_grid
from ganpipe.training.hardware import check_hardware
from ganpipe.training.health import HealthMonitor, RunStatus
from ganpipe.training.history import History
from ganpipe.training.progress import ProgressBar
from ganpipe.training.sampling import Sampler, num_columns
from ganpipe.training.snapshots import save_array, suffix, take_snapshot
from ganpipe.training.weights import Architecture, save_tensors, save_weights
from ganpipe.utils.conventions import snapshot_steps
from ganpipe.utils.parallel import share_state
from ganpipe.utils.signals import defer_signals
from ganpipe.utils.state import Stateful

MAX_HELD_OUT = 2000
"""The held-out metrics in each row of the history are of the first so many samples of the test split, in its order."""


@dataclass(frozen=True)
class TrainingArguments:
    """What `train` is called with.

    name: shown in messages. out: the folder of its results. pretrained: weights of an earlier stage, to start from.
    live: where a copy of the history is kept while it grows.
    """

    name: str
    variant: Variant
    runtime: Runtime
    data: PreparedDataset
    seed: int
    out: Path
    pretrained: Path | None = None
    live: Path | None = None
    checkpoint: Checkpoint = field(default_factory=Checkpoint.disabled)


@dataclass(frozen=True)
class Outcome:
    """clocks: seconds, steps per second and milliseconds per sample, which vary from run to run."""

    status: RunStatus | None  # None: healthy
    clocks: dict[str, float]


def configure(runtime: Runtime) -> None:
    """Set torch's threads and precision. Call it once per process, before any tensor is made.

    Raises UserError where this machine does not have the device or the precision.
    """
    check_hardware(runtime)
    torch.set_num_threads(runtime.threads)
    tf32 = runtime.precision == "tf32"
    torch.set_float32_matmul_precision("high" if tf32 else "highest")
    # by default cuDNN rounds the factors of convolutions
    torch.backends.cudnn.conv.fp32_precision = "tf32" if tf32 else "ieee"  # type: ignore[attr-defined]
    torch.backends.cudnn.benchmark = not runtime.deterministic  # the fastest kernel may be another one each time
    if runtime.deterministic:  # else the call is avoided: even with False it imports torch's compiler
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # docs.nvidia.com/cuda/cublas, "Reproducibility"
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
        torch.use_deterministic_algorithms(True)


def train(arguments: TrainingArguments) -> Outcome:
    """Train, and write `history.csv`, `grids/`, `snapshots/`, weights and samples into `arguments.out`.

    A training whose metrics are no longer finite ends there, and its results are written as they are. On a signal it
    raises Interrupted after the current step, and continues from there when it is called again.
    """
    data, device = arguments.data, torch.device(arguments.runtime.device)
    variant = arguments.variant.for_classes(data.classes)
    # ---- data and trainer -------------------------------------------------------------------------------------------
    transform = DataTransform(data.form, data.scale)
    seen = data.seen
    labels = data.train_labels[seen] if data.classes > 1 else None
    batches = Batches(data.train[seen], variant.batch, transform, arguments.seed, "order", device, labels)
    held_out = transform.to_model(torch.from_numpy(data.test[:MAX_HELD_OUT]).to(device))
    pretrained = load_file(arguments.pretrained) if arguments.pretrained else None
    trainer = variant.algorithm.trainer(variant, data.shape, arguments.runtime, arguments.seed, pretrained)
    if variant.algorithm.takes_labels:
        trainer.prepare_for_sampling(batches)  # says which classes there are
    columns = num_columns(trainer.generators["raw"])

    # ---- hooks ------------------------------------------------------------------------------------------------------
    sampler = Sampler(variant.latent, transform, arguments.seed, variant.batch, device)
    history, health = History(arguments.out / "history.csv", arguments.live), HealthMonitor(variant.health, data)
    health_checks_at = snapshot_steps(variant.steps, variant.snapshots.count)
    snapshots_at = {*health_checks_at, *variant.snapshots.steps}
    state: dict[str, Stateful] = {"trainer": trainer, "batches": batches, "history": history, "health": health}

    # ---- loop -------------------------------------------------------------------------------------------------------
    with history, defer_signals(), ProgressBar(arguments.name, variant.steps) as progress:
        step = progress.begin = share_state(arguments.checkpoint.resume(state), state)
        if step == 0:  # draws from no stream that the training uses, and changes nothing
            save_grid(sampler.sample_fixed(trainer.generators["raw"]), data.train, 0, arguments.out, columns)
        while step < variant.steps and not health.failed:
            step += 1
            metrics = trainer.train_step(batches)
            history.add(metrics)

            snapshot_due = step in snapshots_at
            health.check(step, metrics, trainer.generators if snapshot_due else None)
            if health.failed:
                history.add({"status": torch.tensor(1.0)})
            elif snapshot_due:
                trainer.prepare_for_sampling(batches)
                samples = take_snapshot(step, trainer.generators, sampler, variant.snapshots.num_samples, arguments.out)
                if step in health_checks_at:  # its thresholds are for evenly spaced snapshots
                    history.add(health.check_samples(step, *samples))

            last = step == variant.steps or health.failed
            if last or step % variant.log_every == 0:
                history.add(trainer.held_out_metrics(held_out))
                progress.update(step, history.write(step))
            if last or step % variant.sample_grid_every == 0:
                trainer.prepare_for_sampling(batches)
                save_grid(sampler.sample_fixed(trainer.generators["raw"]), data.train, step, arguments.out, columns)
            arguments.checkpoint.maybe_save(step, state, last=last)
        seconds = arguments.checkpoint.seconds

    # ---- results ----------------------------------------------------------------------------------------------------
    trainer.prepare_for_sampling(batches)
    sampler.update_bn(trainer.generators["ema"])
    architecture = Architecture(variant, data.shape, transform)
    clocks = {"training_seconds": seconds, "steps_per_second": step / seconds}
    for name, net in trainer.generators.items():
        save_weights(net, arguments.out / f"generator{suffix(name)}.safetensors", architecture)
        begin = time.perf_counter()
        samples_at_end = sampler.sample(net, variant.num_samples, "samples")
        clocks["ms_per_sample"] = 1000 * (time.perf_counter() - begin) / variant.num_samples
        save_array(samples_at_end, arguments.out / f"samples{suffix(name)}.npy")
    if (labels_asked := sampler.labels(trainer.generators["raw"], variant.num_samples, "samples")) is not None:
        save_array(labels_asked, arguments.out / "labels.npy")
    for name, net in trainer.saved_networks.items():
        save_weights(net, arguments.out / f"{name}.safetensors")
    if trainer.loss_state:
        save_tensors(trainer.loss_state, arguments.out / "objective.safetensors")
    return Outcome(health.status, clocks)
