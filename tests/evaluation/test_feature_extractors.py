"""The feature networks: exact values, what each refuses, and torch-fidelity's own with weights that are made up."""

from __future__ import annotations

import hashlib
import importlib
import sys
import urllib.request
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from evaluation_data import balanced, images, reference
from numpy.typing import NDArray

from ganpipe.config.classifier import ClassifierParams
from ganpipe.evaluation.extractors import ExtractorContext, _pretrained, clip, dinov2, inception, open_extractor
from ganpipe.evaluation.extractors.classifier import open_classifier
from ganpipe.prepared import PreparedDataset
from ganpipe.training.classifier import fit
from ganpipe.utils.errors import UserError

NETWORK = {"width": 2, "growth": 1, "norm": "none", "embedding_dim": 3, "augment": False}
ARCHITECTURE = NETWORK | {"steps": 2, "batch": 4, "lr": 0.001, "seed": 0}
COLOURS = np.random.default_rng(0).integers(256, size=(3, 3, 8, 8), dtype=np.uint8)


def around(data: PreparedDataset, folder: Path = Path("nowhere")) -> ExtractorContext:
    return ExtractorContext(data, folder, ARCHITECTURE, "cpu")


def faces() -> PreparedDataset:
    labels = np.zeros(20, np.int64)
    pictures = images(balanced(20), 1)
    return PreparedDataset(pictures, labels, pictures, labels, classes=1)


def test_pixels_are_the_pixels() -> None:
    resizer, extract = open_extractor("pixels", around(faces()))
    assert resizer == "none"
    values = np.arange(0, 255, 15, dtype=np.uint8)[:16].reshape(2, 2, 2, 2)
    found = extract(values)
    assert (found.dtype, found.shape) == (np.float32, (2, 8))
    np.testing.assert_array_equal(found, np.arange(0, 240, 15, dtype=np.float32).reshape(2, 8) / np.float32(255))
    np.testing.assert_array_equal(extract(np.array([[[[0, 255]]]], np.uint8)), [[0.0, 1.0]])


def test_the_classifier_gives_its_features_and_its_classes(image_data: PreparedDataset, tmp_path: Path) -> None:
    fit(image_data, ClassifierParams.model_validate(ARCHITECTURE), torch.device("cpu"), tmp_path)
    resizer, extract = open_extractor("classifier", around(image_data, tmp_path))
    network = open_classifier(around(image_data, tmp_path))
    features = network.extract(image_data.test)
    probabilities = network.probabilities(features)
    assert resizer == "none"
    assert (features.shape, features.dtype) == ((200, 3), np.float32)
    assert probabilities.shape == (200, 4)
    np.testing.assert_array_equal(extract(image_data.test), features)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where torch keeps what it fetched: nothing yet, and no network to fetch it from."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(urllib.request, "_opener", None)  # it remembers the proxies of its first use
    (tmp_path / "hub" / "checkpoints").mkdir(parents=True)
    return tmp_path / "hub"


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random weights of Inception, so large that the features of two images differ."""
    extractors = importlib.import_module("torch_fidelity.feature_extractor_inceptionv3")
    nothing = tmp_path_factory.mktemp("weights") / "nothing.pth"
    torch.save({}, nothing)

    class Untrained(extractors.FeatureExtractorInceptionV3):  # type: ignore[misc,name-defined]
        def load_state_dict(self, state_dict: dict[str, Any]) -> None:
            assert state_dict == {}

    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = Untrained("inception-v3-compat", ["2048"], feature_extractor_weights_path=str(nothing))
    # torch's first weights are sqrt(6) below those that keep the variance (He et al. 2015)
    state = {name: 6**0.5 * value if "conv.weight" in name else value for name, value in net.state_dict().items()}
    path = nothing.with_name(Path(inception.WEIGHTS.file).name)
    torch.save(state, path)
    return path


@pytest.fixture
def placed(weights: Path, hub: Path) -> Path:
    path = hub / inception.WEIGHTS.file
    path.symlink_to(weights)
    return path


def changed(monkeypatch: pytest.MonkeyPatch, name: str, **changes: str) -> None:
    """Other weights in the place of the published ones."""
    module = importlib.import_module(f"ganpipe.evaluation.extractors.{name}")
    monkeypatch.setattr(module, "WEIGHTS", replace(module.WEIGHTS, **changes))


def sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def own_call(weights: Path, pictures: NDArray[np.uint8], layer: str = "2048") -> NDArray[np.float32]:
    """torch-fidelity alone, as its documentation has it."""
    utils = importlib.import_module("torch_fidelity.utils")
    net = utils.create_feature_extractor(
        "inception-v3-compat", [layer], cuda=False, verbose=False, feature_extractor_weights_path=str(weights)
    )
    with torch.no_grad():
        found: torch.Tensor = net(torch.from_numpy(pictures))[0]
    return found.numpy()


def test_inception_is_torch_fidelitys(weights: Path, placed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    changed(monkeypatch, "inception", sha256=sha256(weights))
    _, extract = open_extractor("inception", around(faces()))
    expected = own_call(weights, COLOURS)
    found = extract(COLOURS)
    assert (found.shape, found.dtype) == ((3, 2048), np.float32)
    np.testing.assert_array_equal(found, expected)
    assert np.abs(found[0] - found[1]).max() > 0.01
    grey = COLOURS[:, :1]
    np.testing.assert_array_equal(extract(grey), own_call(weights, np.repeat(grey, 3, axis=1)))
    monkeypatch.setattr(_pretrained, "CHUNK", 2)
    np.testing.assert_allclose(extract(COLOURS), expected, rtol=1e-3, atol=1e-5)


def test_the_inception_score_is_torch_fidelitys(weights: Path, placed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its classes are read without the bias, as the published scores are."""
    changed(monkeypatch, "inception", sha256=sha256(weights))
    opened = open_extractor("inception", around(faces()))
    train, test = (np.repeat(images(balanced(n), n), 3, axis=1) for n in (12, 8))
    data = PreparedDataset(train, np.zeros(12, np.int64), test, np.zeros(8, np.int64), classes=1)
    changes: dict[str, Any] = {
        "precision_recall_k": 1,
        "density_coverage_k": 1,
        "baseline_draws": 2,
        "sliced_wasserstein_projections": 2,
    }
    real = reference(data, opened={"inception": opened}, **changes)
    assert real.specs["inception_score"][1].label == "Inception score, 2 splits"
    found = real.measure(train[:6], 6).values["inception_score"]
    logits = torch.from_numpy(own_call(weights, train[:6], "logits_unbiased"))
    order = torch.from_numpy(real.random("splits inception").permutation(6))
    isc = importlib.import_module("torch_fidelity.metric_isc")
    expected = isc.isc_features_to_metric(logits[order], splits=2, shuffle=False)
    assert found.value is not None
    assert found.value - 1 == pytest.approx(expected["inception_score_mean"] - 1, rel=1e-3)
    assert "inception_score" not in real.measure(train[:6], 6, quick=True).values


def test_other_weights_than_the_original_are_not_opened(placed: Path) -> None:
    with pytest.raises(UserError) as caught:
        open_extractor("inception", around(faces()))
    message = str(caught.value)
    assert message.startswith(f"evaluate.feature_extractors names inception, and {placed} is not its weights (SHA-256 ")
    assert message.endswith(
        f" and not 6726825d...): put the original file at {placed}, or use another of "
        "evaluate.feature_extractors, as classifier or pixels."
    )


@pytest.mark.parametrize("name", ["inception", "clip", "dinov2"])
def test_what_was_fetched_is_verified_before_it_is_opened(
    name: Any, hub: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pickle that says so when it is opened comes in the place of the weights."""
    opened = tmp_path / "opened"

    class Code:
        def __reduce__(self) -> Any:
            return Path.touch, (opened,)

    other = tmp_path / "other.pth"
    torch.save(Code(), other)
    changed(monkeypatch, name, url=other.as_uri())
    with pytest.raises(UserError) as caught:
        open_extractor(name, around(faces()))
    message = str(caught.value)
    assert message.startswith(
        f"evaluate.feature_extractors names {name}, which could not be opened or fetched (invalid hash value (expected "
    )
    assert f"put the original file at {hub}/checkpoints/" in message
    assert not opened.exists()
    assert list((hub / "checkpoints").iterdir()) == []


def test_what_was_fetched_is_opened_where_it_is_the_original(
    weights: Path, hub: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed(monkeypatch, "inception", url=weights.as_uri(), sha256=sha256(weights))
    _, extract = open_extractor("inception", around(faces()))
    np.testing.assert_array_equal(extract(COLOURS), own_call(weights, COLOURS))
    assert sha256(hub / inception.WEIGHTS.file) == sha256(weights)


def test_the_weights_are_fetched_from_where_torch_fidelity_says() -> None:
    inceptions = importlib.import_module("torch_fidelity.feature_extractor_inceptionv3")
    clips = importlib.import_module("torch_fidelity.feature_extractor_clip")
    assert inception.WEIGHTS.url == inceptions.URL_INCEPTION_V3
    assert clips.MODEL_URLS["clip-vit-b-32"] == clip.WEIGHTS.url
    assert dinov2.WEIGHTS.url in HUBCONF


@pytest.mark.parametrize("name", ["inception", "clip", "dinov2"])
def test_without_weights_and_network_a_sentence_says_what_to_put_where(name: Any, hub: Path) -> None:
    places = {
        "inception": f"put the original file at {hub / inception.WEIGHTS.file},",
        "clip": f"put the original file at {hub}/checkpoints/clip-vit-b-32-40d365715913c9da98579312b702a82c18be219cc2"
        "a73407c4526f58eba950af.pt,",
        "dinov2": f"put the original file at {hub}/checkpoints/dinov2_vitl14_pretrain.pth and "
        f"github.com/facebookresearch/dinov2 at the commit {COMMIT} at {hub}/facebookresearch_dinov2_{COMMIT},",
    }
    with pytest.raises(UserError) as caught:
        open_extractor(name, around(faces()))
    message = str(caught.value)
    assert message.startswith(f"evaluate.feature_extractors names {name}, which could not be opened or fetched (")
    assert message.endswith(
        f"): {places[name]} or use another of evaluate.feature_extractors, as classifier or pixels."
    )
    assert "\n" not in message


COMMIT = dinov2.COMMIT
HUBCONF = """
import torch

def dinov2_vitl14():
    model = torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(3, 5))
    url = "https://dl.fbaipublicfiles.com/dinov2/dinov2_vitl14/dinov2_vitl14_pretrain.pth"
    model.load_state_dict(torch.hub.load_state_dict_from_url(url, map_location="cpu"))
    return model
"""


STATE = {"2.weight": torch.arange(15.0).reshape(5, 3), "2.bias": torch.zeros(5)}


@pytest.fixture
def dino(hub: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small repository with small weights, at the places of the true ones; the weights' file."""
    repository = hub / f"facebookresearch_dinov2_{COMMIT}"
    repository.mkdir()
    (repository / "hubconf.py").write_text(HUBCONF)
    file = hub / "checkpoints" / "dinov2_vitl14_pretrain.pth"
    torch.save(STATE, file)
    changed(monkeypatch, "dinov2", sha256=sha256(file))
    return file


def test_dinov2_comes_from_the_places_that_its_sentence_names(dino: Path) -> None:
    """A constant colour stays constant when it is resized, so the features of the small network are known."""
    resizer, extract = open_extractor("dinov2", around(faces()))
    assert resizer == "bicubic with antialiasing, to 224 pixels"
    mean, std = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    colour = np.array([255, 51, 0], np.uint8)
    expected = ((colour / 255 - mean) / std) @ STATE["2.weight"].numpy().T
    np.testing.assert_allclose(extract(np.broadcast_to(colour[:, None, None], (2, 3, 8, 8))), [expected] * 2, rtol=1e-5)
    white = ((1 - mean) / std) @ STATE["2.weight"].numpy().T
    np.testing.assert_allclose(extract(np.full((1, 1, 8, 8), 255, np.uint8)), [white], rtol=1e-5)


def test_code_of_another_commit_is_not_run(dino: Path) -> None:
    """Neither what an earlier call left of the branch main: there is no network to fetch the commit from."""
    there = dino.parents[1] / f"facebookresearch_dinov2_{COMMIT}"
    there.rename(there.with_name("facebookresearch_dinov2_main"))
    with pytest.raises(
        UserError, match=r"^evaluate.feature_extractors names dinov2, which could not be opened or fetched"
    ):
        open_extractor("dinov2", around(faces()))


def test_other_weights_of_dinov2_are_not_opened(dino: Path) -> None:
    torch.save(STATE | {"2.bias": torch.ones(5)}, dino)
    with pytest.raises(UserError, match=r"dinov2_vitl14_pretrain.pth is not its weights \(SHA-256 "):
        open_extractor("dinov2", around(faces()))


def test_each_network_has_the_whole_digest_of_its_weights() -> None:
    assert [len(one.WEIGHTS.sha256) for one in (inception, clip, dinov2)] == [64] * 3


def test_without_torch_fidelity_a_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch_fidelity.utils", None)
    with pytest.raises(
        UserError, match=r"^evaluate.feature_extractors names clip, which is torch-fidelity's: install ganpipe\["
    ):
        open_extractor("clip", around(faces()))
