"""A generator elsewhere: torch.export, ONNX, a served MLflow model and the registry give the samples of the module."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from training_cases import variant

import ganpipe
from ganpipe.batches import DataTransform
from ganpipe.export.registry import Best, find_best
from ganpipe.export.write import export_run
from ganpipe.report.evaluations import Evaluation
from ganpipe.training.weights import Architecture, save_weights
from ganpipe.utils.errors import UserError
from ganpipe.utils.rng import seeded_init

ENVIRONMENT = {name: value for name, value in os.environ.items() if "PROXY" not in name.upper()} | {
    "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
    "PYTHONWARNINGS": "ignore",
}


def make(folder: Path, row: str = "lsgan", seed: int = 0) -> Path:
    """A run's folder with an untrained generator of digits in it."""
    chosen, shape = variant(row, "digits"), (1, 8, 8)
    with seeded_init(seed, "generator"):
        net = chosen.algorithm.build_generator(chosen, shape)
    save_weights(net, folder / "generator_ema.safetensors", Architecture(chosen, shape, DataTransform("images", 1.0)))
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("row", ["lsgan", "gmm", "progressive", "vae", "translate", "cgan", "projection"])
def test_a_traced_generator_gives_the_samples_of_the_module_for_any_number(row: str, tmp_path: Path) -> None:
    import onnxruntime

    model = ganpipe.load(make(tmp_path, row))
    z = model.latents(7, seed=1)
    expected = model.generator(z).numpy()

    exported = export_run(tmp_path, "torch-export", tmp_path / "generator.pt2", True)
    texts = {"ganpipe.json": ""}
    program = torch.export.load(exported, extra_files=texts)
    np.testing.assert_allclose(program.module()(z).numpy(), expected, atol=1e-5)

    exported = export_run(tmp_path, "onnx", tmp_path / "generator.onnx", True)
    session = onnxruntime.InferenceSession(exported.read_bytes(), providers=["CPUExecutionProvider"])
    np.testing.assert_allclose(session.run(["samples"], {"latents": z.numpy()})[0], expected, atol=1e-5)
    metadata = session.get_modelmeta().custom_metadata_map
    assert texts["ganpipe.json"] == metadata["ganpipe"] == model.architecture.to_json()


@pytest.mark.slow
@pytest.mark.parametrize("row", ["ebm", "generator_ensemble"])
def test_what_cannot_be_traced_is_one_sentence(row: str, tmp_path: Path) -> None:
    kind = variant(row, "digits").generator.kind
    for to in ("onnx", "torch-export"):
        with pytest.raises(UserError, match=rf"^--to is {to}, and torch cannot trace a .* kind {kind}: use mlflow, "):
            export_run(make(tmp_path, row), to, tmp_path / "out", True)
    assert not (tmp_path / "out").exists()


def test_bad_arguments_are_one_sentence(tmp_path: Path) -> None:
    make(tmp_path)
    with pytest.raises(UserError, match=r"^--to is tensorrt: use one of torch-export, onnx, mlflow\.$"):
        export_run(tmp_path, "tensorrt", None, True)
    with pytest.raises(UserError, match="which is there already: remove it, or choose another name"):
        export_run(tmp_path, "mlflow", tmp_path, True)


@pytest.mark.slow
def test_a_served_model_answers_with_images(tmp_path: Path) -> None:
    folder = export_run(make(tmp_path / "run"), "mlflow", tmp_path / "model", True)
    assert not [path for path in folder.rglob("*") if path.suffix in (".pkl", ".pickle", ".pth", ".pt")]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "models", "serve", "-m", str(folder), "--env-manager", "local"]
    command += ["--host", "127.0.0.1", "--port", str(port)]
    with (tmp_path / "log").open("wb") as log:
        server = subprocess.Popen(
            command, cwd=tmp_path, env=ENVIRONMENT, stdout=log, stderr=log, start_new_session=True
        )
    try:
        images = answer(port, {"dataframe_records": [{"n": 3, "seed": 5}]}, server, tmp_path / "log")
        expected = ganpipe.load(tmp_path / "run").sample(3, seed=5)
        np.testing.assert_array_equal(np.array(images, np.uint8), expected)
        example = json.loads((folder / "serving_input_example.json").read_text())
        assert np.shape(answer(port, example, server, tmp_path / "log")) == (2, 1, 8, 8)
        for n in (0, 10_001):
            with pytest.raises(urllib.error.HTTPError, match="400"):
                answer(port, {"dataframe_records": [{"n": n, "seed": 0}]}, server, tmp_path / "log")
    finally:
        os.killpg(server.pid, 15)
        server.wait(30)


def answer(port: int, request: dict[str, Any], server: subprocess.Popen[bytes], log: Path) -> Any:
    """What the server predicts, once it is there."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    headers = {"Content-Type": "application/json"}
    end = time.monotonic() + 240
    while True:
        asked = urllib.request.Request(
            f"http://127.0.0.1:{port}/invocations", json.dumps(request).encode(), headers=headers
        )
        try:
            with opener.open(asked, timeout=60) as reply:
                return json.load(reply)["predictions"]
        except urllib.error.HTTPError:
            raise
        except urllib.error.URLError:
            assert server.poll() is None, log.read_text()
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.2)


REGISTER = """
import mlflow, sys
from pathlib import Path
from ganpipe.export.registry import register
root = Path.cwd()
sentences = [register(root, "digits", "lsgan"), register(root, "digits", "lsgan")]
client = mlflow.MlflowClient()
assert [one.version for one in client.search_model_versions("name = 'ganpipe-digits'")] == [1]
import numpy as np, pandas
model = mlflow.pyfunc.load_model("models:/ganpipe-digits@champion")
np.save("images.npy", model.predict(pandas.DataFrame({"n": [4], "seed": [2]})))
assert sentences[0] == sentences[1], sentences
print(sentences[0])
"""


@pytest.mark.slow
def test_the_best_seed_is_the_champion_and_registering_again_adds_nothing(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    for seed in (0, 1):
        make(tmp_path / "runs/digits/lsgan" / str(seed), seed=seed)
    (tmp_path / "evals/digits").mkdir(parents=True)
    (tmp_path / "evals/digits/lsgan.json").write_text(evaluation((9.0, 9.0), (3.0, 2.0)).model_dump_json())
    environment = {name: value for name, value in ENVIRONMENT.items() if not name.startswith(("MLFLOW", "DVC"))}
    command = [sys.executable, "-c", REGISTER]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("lsgan/1 (ema weights, frechet 2) is version 1 of ganpipe-digits: ")
    expected = ganpipe.load(tmp_path / "runs/digits/lsgan/1").sample(4, seed=2)
    np.testing.assert_array_equal(np.load(tmp_path / "images.npy"), expected)


def evaluation(raw: tuple[Any, ...], ema: tuple[Any, ...] = (), better: str = "lower", **more: Any) -> Evaluation:
    metrics = {
        "frechet": {"label": "Frechet distance", "better": better, "raw": raw, "ema": ema},
        "other": {"label": "Another", "better": "lower", "raw": [0.0] * len(raw)},
    }
    facts = {"variant": "lsgan", "title": "LSGAN", "data": "digits", "seeds": range(len(raw)), "metrics": metrics}
    return Evaluation.model_validate(facts | more)


def test_the_best_seed_is_that_of_the_main_metric_among_those_without_a_status() -> None:
    assert find_best(evaluation((3.0, 1.0, 2.0))) == Best(1, "raw", "frechet", 1.0)
    assert find_best(evaluation((3.0, 1.0), better="higher")) == Best(0, "raw", "frechet", 3.0)
    assert find_best(evaluation((3.0, 1.0), (0.5, 2.0))) == Best(0, "ema", "frechet", 0.5)
    assert find_best(evaluation((None, float("nan"), 7.0))) == Best(2, "raw", "frechet", 7.0)
    statuses = [None, {"kind": "memorizing", "reason": "its samples are training images"}]
    assert find_best(evaluation((3.0, 1.0), statuses=statuses)) == Best(0, "raw", "frechet", 3.0)


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (evaluation((1.0,), statuses=[{"kind": "collapsed", "reason": "x"}]), r"to register \(seed 0: collapsed\)"),
        (evaluation((None,)), r"to register \(no frechet\)"),
        (evaluation((), not_applicable="it is for images"), "has no generator, because it is for images"),
    ],
)
def test_no_seed_to_register_is_one_sentence(found: Evaluation, words: str) -> None:
    with pytest.raises(UserError, match=words):
        find_best(found)
