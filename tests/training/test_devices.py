"""One training in two processes: the numbers of one process, to rounding, and what is refused."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from training_cases import CPU, PARAMS, RUNTIME, SPACES, real_batches, variant

from ganpipe.batches import Batch, DataTransform
from ganpipe.training.devices import num_devices, obstacle, processes
from ganpipe.training.sampling import Sampler
from ganpipe.utils.errors import ResourceError, UserError
from ganpipe.utils.rng import make_rng, sample_latents

HERE = Path(__file__).parent
# of the largest number of a case. A difference of scores over sigma = 0.01 has its rounding 100 times; float32 inside
ERRORS = {"approximate_r1": 1e-11, "ebgan_pt": 1e-6}


def cases(rows: list[str]) -> list[tuple[str, str]]:
    """Rows and spaces that two processes can train and one can."""
    found = [(row, space) for row in rows for space in SPACES]
    return [
        (row, space)
        for row, space in found
        if not obstacle(chosen := variant(row, space), 2) and not chosen.incompatibility(SPACES[space][2])
    ]


def test_a_process_that_never_comes_ends_the_training_with_what_it_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a folder without a spec."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["stages.train", "lsgan", "0"])
    with pytest.raises(ResourceError, match=r"ended before it: .*lsgan.json is missing"), processes(2, "cpu"):
        pass


@contextmanager
def in_float64() -> Iterator[None]:
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(torch.float32)


class Doubled:
    """The batches in float64."""

    def __init__(self, batches: Any) -> None:
        self._batches = batches

    def __next__(self) -> Batch:
        return Batch(next(self._batches).x.double())


def first_step(row: str, space: str, precision: str = "float32") -> dict[str, Tensor]:
    """What a critic's and a generator's first step give: metrics and gradients, statistics of the batch norms, also
    those that are computed anew, and samples. In float64, but for bfloat16."""
    chosen, (form, _, shape) = variant(row, space), SPACES[space]
    with nullcontext() if precision == "bfloat16" else in_float64():
        runtime = RUNTIME.model_copy(update={"precision": precision})
        at = chosen.algorithm.trainer(chosen, shape, runtime, 3, None)
        batches: Any = real_batches(space, chosen.batch)
        batches = batches if precision == "bfloat16" else Doubled(batches)
        found = at.critic_gradient(*next(batches))
        found |= {f"critic {name}": weight.grad for name, weight in at.critic.named_parameters()}
        found |= at.generator_gradient(*next(batches))
        found |= {f"generator {name}": weight.grad for name, weight in at.generator.named_parameters()}
        Sampler(chosen.latent, DataTransform(form, 1.0), 0, chosen.batch, CPU).update_bn(at.ema)
        found |= {
            f"{of} {n}": b for of in ("generator", "ema") for n, b in getattr(at, of).named_buffers() if "running" in n
        }
        with torch.no_grad():
            found["samples"] = at.ema.eval()(sample_latents(chosen.latent, 8, make_rng(0, "samples", CPU)))
    return {name: value.detach().clone() for name, value in found.items() if value is not None}


def in_two_processes(folder: Path, rows: list[str]) -> None:
    """The first steps of all cases, each in a file `<process>-<row>-<space>`."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(HERE), str(HERE.parent), str(HERE.parents[1])])}
    command = [sys.executable, __file__, str(folder)]
    with subprocess.Popen([*command, "0", "0", *rows], env=environment, stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout
        port = first.stdout.readline().strip()
        try:
            subprocess.run([*command, "1", port, *rows], env=environment, check=True, stdout=subprocess.DEVNULL)
            assert first.wait(60) == 0
        finally:
            first.kill()


@pytest.mark.slow
def test_the_first_step_of_two_processes_is_that_of_one(tmp_path: Path) -> None:
    """Of every variant that two can train."""
    rows = list(PARAMS["variants"])
    in_two_processes(tmp_path, rows)
    found = cases(rows)
    assert len({row for row, _ in found}) > len(rows) / 2
    for row, space in found:
        alone = first_step(row, space)
        two, other = (load_file(tmp_path / f"{rank}-{row}-{space}") for rank in (0, 1))
        assert two.keys() == alone.keys()
        # of gradients that are 0 but for rounding, as of a bias before batch norm, the rounding differs
        error = ERRORS.get(row, 1e-13) * max(float(value.abs().max()) for value in alone.values())
        for name, value in alone.items():
            torch.testing.assert_close(two[name], value, rtol=0, atol=error, msg=f"{row} {space} {name}")
            assert torch.equal(two[name], other[name]), (row, space, name)
    for name, value in load_file(tmp_path / "0-bfloat16").items():
        assert value.isfinite().all(), name


@pytest.mark.parametrize(
    ("row", "changes", "said"),
    [
        ("vae", {}, "the algorithm vae trains on one: unset it"),
        ("unrolled", {}, "`algorithm.unroll_steps: 0`"),
        ("generator_ensemble", {}, "use another `generator.kind`"),
        ("pacgan", {"batch": 6}, "`batch`, 6, is not as many packs of 2 for each: unset it, or use `batch: 8`"),
        ("lsgan", {"batch": 7}, "`batch: 8`"),
    ],
)
def test_what_two_devices_cannot_train_is_refused(row: str, changes: dict[str, Any], said: str) -> None:
    assert said in (obstacle(variant(row, "points", **changes), 2) or "")


@pytest.mark.parametrize("value", ["two", "0", "-1", "1.5"])
def test_a_number_that_is_none_is_refused(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANPIPE_DEVICES", value)
    with pytest.raises(UserError, match="give a whole number from 1 on"):
        num_devices(variant("lsgan", "points"), None)  # type: ignore[arg-type]


def _process(folder: str, rank: str, port: str, *rows: str) -> None:
    import torch.distributed as dist

    torch.set_num_threads(1)
    store = dist.TCPStore("127.0.0.1", int(port), 2, rank == "0", wait_for_workers=False)  # type: ignore[attr-defined]
    print(store.port, flush=True)
    dist.init_process_group("gloo", store=store, rank=int(rank), world_size=2)
    for row, space in cases(list(rows)):
        save_file(
            {name: value.contiguous() for name, value in first_step(row, space).items()},
            Path(folder, f"{rank}-{row}-{space}"),
        )
    half = first_step("non_saturating", "digits", "bfloat16")
    save_file({name: value.contiguous() for name, value in half.items()}, Path(folder, f"{rank}-bfloat16"))
    dist.destroy_process_group()


if __name__ == "__main__":
    _process(*sys.argv[1:])
