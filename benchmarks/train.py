"""A training step of this project beside a textbook loop and the known libraries' order of work, in one run.

    python -m benchmarks.train [--device cuda] [--cases sngan ...] [--rounds 5] [--seconds 2] [--output FILE]

The step is what `stages.train` runs: the trainer on its batches, with the history and the health checks. Beside it run
`benchmarks/loops.py`, with the same sizes; `auto` is the same step with `runtime.precision: auto`, where that is
bfloat16. Each contender is a process of its own, and they take turns, every other round the other way round. A step is
one update of the critic with its share of those of the generator. Time is that of the CPU, or of the clock on a GPU.
Products of matrices take their turns too: `share` is the rate of a step's floating-point operations (as torch counts
them) over theirs, in the same precision. Writes what it prints into `benchmarks/results/<machine>.json`.

Not measured: CUDA graphs, which this project does not use.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import platform
import re
import resource
import statistics
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from benchmarks.loops import Step, textbook
from benchmarks.showcase import describe, machine
from ganpipe.batches import Batches, DataTransform
from ganpipe.config.overlay import merge, merged, read_variant, read_yaml
from ganpipe.config.variant import Runtime, Variant
from ganpipe.networks import form_of
from ganpipe.pipeline.specs import resolve_runtime
from ganpipe.prepared import PreparedDataset
from ganpipe.training.health import HealthMonitor
from ganpipe.training.history import History
from ganpipe.training.loop import configure
from ganpipe.utils.io import write_json

SOURCE = Path(__file__).resolve().parents[1]
NUM_SAMPLES, SIDE = 2000, 1024  # of the random data; of the matrices
RESNET = {"kind": "resnet", "width": 64, "attention": 0}
SNGAN = {
    "latent": {"size": 128},
    "algorithm": {"critic_steps": 5},
    "generator": {**RESNET, "norm": "batch"},
    "critic": {**RESNET, "norm": "none", "output": "score"},
}
WIDE = {"generator": {"width": 512}, "critic": {"width": 512}}


class Case(NamedTuple):
    """A variant on data of this shape, with these changes."""

    title: str
    variant: str
    data: str
    shape: tuple[int, ...]
    changes: dict[str, Any]


CASES = {
    "digits": Case("digits, `rpgan`, dense 256", "rpgan", "digits", (1, 8, 8), {}),
    "digits_gp": Case("digits, `wgan_gp`, dense 256", "wgan_gp", "digits", (1, 8, 8), {}),
    "ring": Case("ring, `rpgan`, dense 128", "rpgan", "ring", (2,), {}),
    "ring_wide": Case("ring, `rpgan`, dense 512", "rpgan", "ring", (2,), WIDE),
    "dcgan": Case("32x32, `non_saturating`, DCGAN 32", "non_saturating", "cifar10", (3, 32, 32), {}),
    "sngan": Case("32x32, `sngan`, ResNet 64, 5 critic steps", "sngan", "cifar10", (3, 32, 32), SNGAN),
}
CONTENDERS = ("ganpipe", "auto", "textbook", "library", "products", "products in auto")


def main(arguments: list[str]) -> None:
    options = parsed(arguments)
    runtime = resolve_runtime(Runtime(device=options.device, threads=1, precision="auto", deterministic=False))
    cases = {name: measure(name, runtime, options.rounds, options.seconds) for name in options.cases or CASES}
    device = torch.cuda.get_device_name() if runtime.device == "cuda" else machine()
    facts: dict[str, Any] = {
        "machine": device,
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "commit": describe(),
        "versions": {"python": platform.python_version(), "torch": torch.__version__},
        "device": runtime.device,
        "threads": runtime.threads,
        "auto": runtime.precision,
        "cases": cases,
    }
    name = re.sub(r"[^a-z0-9]+", "-", device.lower().replace("(r)", "")).strip("-")
    output = options.output or SOURCE / "benchmarks/results" / f"{name}.json"
    write_json(output, facts)
    versions = ", ".join(f"{of} {version}" for of, version in facts["versions"].items())
    print(f"\n{device}, {facts['date']}, commit {facts['commit']}, {versions}, threads {runtime.threads}: {output}")


def parsed(arguments: list[str]) -> Any:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda", "mps"))
    parser.add_argument("--cases", nargs="+", choices=CASES)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each contender in a round")
    parser.add_argument("--output", type=Path)
    return parser.parse_args(arguments)


def measure(name: str, runtime: Runtime, rounds: int, seconds: float) -> dict[str, Any]:
    """All contenders of a case in turns. Prints a line for each."""
    workers = {}
    for contender in CONTENDERS:
        if (name == "sngan" or contender != "library") and (runtime.precision == "bfloat16" or "auto" not in contender):
            workers[contender] = Worker(contender, name, runtime)
    try:
        clock = "cpu" if runtime.device == "cpu" else "wall"
        for worker in workers.values():
            worker.warm_up(seconds, clock)
        times: dict[str, list[dict[str, float]]] = {contender: [] for contender in workers}
        for number in range(rounds):
            for contender in list(workers) if number % 2 else list(workers)[::-1]:
                times[contender].append(workers[contender].steps())
        facts = {contender: worker.facts() | {"ms": times[contender]} for contender, worker in workers.items()}
    finally:
        for worker in workers.values():
            worker.end()
    print(f"\n{CASES[name].title}\n{HEAD}", flush=True)
    for contender, own in facts.items():
        own |= summary(own, facts["ganpipe"], facts["products in auto" if contender == "auto" else "products"], clock)
        if not contender.startswith("products"):
            print(line(contender, own), flush=True)
    for own in facts.values():
        del own["ms"]  # the rounds, of which all of the above is the summary
    return {"title": CASES[name].title, "contenders": facts}


def summary(own: dict[str, Any], ours: dict[str, Any], products: dict[str, Any], clock: str) -> dict[str, Any]:
    """Medians and best values. ratio: how many times as long as ours, the median over rounds, and of the best."""
    cpu, wall, mine = ([one[key] for one in own["ms"]] for key in ("cpu", "wall", clock))
    base, fastest = ([one[clock] for one in other["ms"]] for other in (ours, products))
    ratios = [a / b for a, b in zip(mine, base, strict=True)]
    shares = [
        own["gflop"] / a / (products["gflop"] / b) for a, b in zip(mine, fastest, strict=True)
    ]  # the products of the same round
    return {
        "cpu_ms": {"median": statistics.median(cpu), "best": min(cpu)},
        "wall_ms": {"median": statistics.median(wall), "best": min(wall)},
        "steps_per_second": 1000 / statistics.median(mine),
        "ratio": {"median": statistics.median(ratios), "best": min(mine) / min(base)},
        "share_of_products": statistics.median(shares),
    }


HEAD = (
    f"{'':10} {'parameters':>10} {'GFLOP':>8} {'CPU ms a step':>21} {'wall ms':>8} {'a second':>8} "
    f"{'times as long':>19} {'share':>6} {'MiB':>6}"
)


def line(contender: str, own: dict[str, Any]) -> str:
    cpu, wall, ratio = own["cpu_ms"], own["wall_ms"], own["ratio"]
    return (
        f"{contender:10} {own['parameters']:>10,} {own['gflop']:>8.3f} {cpu['median']:>8.2f} best {cpu['best']:>7.2f}"
        f" {wall['median']:>8.2f} {own['steps_per_second']:>8.1f} {ratio['median']:>8.2f} best {ratio['best']:>5.2f}"
        f" {own['share_of_products']:>6.0%} {own['peak_mib']:>6.0f}"
    )


class Worker:
    """A process that makes steps of one contender when it is told to."""

    def __init__(self, contender: str, case: str, runtime: Runtime) -> None:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["benchmarks.loops"])  # which imports torch, once for all
        self.connection, other = context.Pipe()
        self.process = context.Process(target=serve, args=(other, contender, case, runtime.model_dump()), daemon=True)
        self.process.start()
        other.close()
        self.number = self.every = self.connection.recv()

    def warm_up(self, seconds: float, clock: str) -> None:
        """And choose how many steps take so long."""
        self.steps()
        self.number = self.every * max(1, round(seconds * 1000 / self.steps()[clock] / self.every))

    def steps(self) -> dict[str, float]:
        """Milliseconds of a step, of the CPU and of the clock."""
        self.connection.send(self.number)
        found: dict[str, float] = self.connection.recv()
        return found

    def facts(self) -> dict[str, Any]:
        self.connection.send(0)
        found: dict[str, Any] = self.connection.recv()
        return found

    def end(self) -> None:
        self.connection.close()
        self.process.join()


def serve(connection: Connection, contender: str, case: str, given: dict[str, Any]) -> None:
    """Make as many steps as are asked for, until nobody asks any more; 0: tell what was found."""
    runtime = Runtime.model_validate(given | ({} if "auto" in contender else {"precision": "float32"}))
    configure(runtime)
    torch.manual_seed(0)
    step, parameters, every = built(contender, CASES[case], runtime)
    on_gpu = runtime.device == "cuda"
    wait: Callable[[], None] = torch.cuda.synchronize if on_gpu else lambda: None
    for _ in range(every):
        step()
    with FlopCounter() as counter:
        for _ in range(every):
            step()
    connection.send(every)
    while True:
        try:
            number = connection.recv()
        except EOFError:
            return
        if number == 0:
            peak = torch.cuda.max_memory_allocated() if on_gpu else peak_memory()
            connection.send({"parameters": parameters, "gflop": counter.flop / every / 1e9, "peak_mib": peak / 2**20})
            continue
        wait()
        cpu, wall = time.process_time(), time.perf_counter()
        for _ in range(number):
            step()
        wait()
        spent = {"cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall}
        connection.send({clock: 1000 * seconds / number for clock, seconds in spent.items()})


class FlopCounter(TorchDispatchMode):
    """Floating-point operations of products and convolutions; torch's own counter refuses gradients at samples."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.flop = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        if formula := flop_registry.get(func._overloadpacket):
            self.flop += formula(*args, **(kwargs or {}), out_val=out)
        return out


def peak_memory() -> int:
    """Bytes of this process that were in memory at once, torch itself included."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def built(contender: str, case: Case, runtime: Runtime) -> tuple[Step, int, int]:
    """A step of the contender, the number of parameters, and after how many steps the work repeats."""
    if contender.startswith("products"):
        dtype = torch.bfloat16 if runtime.precision == "bfloat16" else torch.float32
        left, right = (torch.randn(SIDE, SIDE, device=runtime.device).to(dtype) for _ in range(2))
        result = torch.empty_like(left)
        return lambda: torch.matmul(left, right, out=result), 0, 1
    variant = variant_of(case)
    every: int = getattr(variant.algorithm, "critic_steps", 1)
    transform = DataTransform(form_of(case.shape), 1.0)
    samples = torch.randn(NUM_SAMPLES, *case.shape)
    if transform.form == "images":
        samples = (samples * 64 + 128).clamp(0, 255).to(torch.uint8)
    if contender in ("textbook", "library"):
        data = transform.to_model(samples).to(runtime.device)
        return *textbook(variant, data, runtime.device, library=contender == "library"), every
    step, networks = project(variant, samples, transform, runtime)
    return step, sum(weight.numel() for net in networks for weight in net.parameters()), every


def variant_of(case: Case) -> Variant:
    params, own = read_yaml(SOURCE / "params.yaml"), read_variant(SOURCE / "variants", case.variant)
    shared = merged(params["train"], own, form_of(case.shape), case.data)
    return Variant.model_validate(merge(shared, case.changes))


def project(
    variant: Variant, samples: torch.Tensor, transform: DataTransform, runtime: Runtime
) -> tuple[Step, list[torch.nn.Module]]:
    """The step of this project, as the loop of `ganpipe.training.loop` makes it, and the networks."""
    array, labels = samples.numpy(), torch.zeros(len(samples), dtype=torch.int64).numpy()
    data = PreparedDataset(array, labels, array[:500], labels[:500], classes=1)
    batches = Batches(array, variant.batch, transform, 0, "order", torch.device(runtime.device))
    trainer = variant.algorithm.trainer(variant, tuple(samples.shape[1:]), runtime, 0, None)
    history, health = History(Path(os.devnull)), HealthMonitor(variant.health, data)
    steps = 0

    def step() -> None:
        nonlocal steps
        steps += 1
        metrics = trainer.train_step(batches)
        history.add(metrics)
        health.check(steps, metrics, None)
        if steps % variant.log_every == 0:
            history.write(steps)

    return step, [trainer.generators["raw"], *trainer.saved_networks.values()]


if __name__ == "__main__":
    main(sys.argv[1:])
