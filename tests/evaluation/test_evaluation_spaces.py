"""Several feature networks side by side, and the files between the stages `reference` and `evaluate`."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from evaluation_data import (
    CLASS_FIGURES,
    IMAGE_FIGURES,
    SPACE_FIGURES,
    TWO,
    Array,
    CountingExtractor,
    balanced,
    both,
    images,
    judged,
    networks,
    parameters,
    points,
    quick_of,
    reference,
    run,
)

from ganpipe.evaluation import baselines
from ganpipe.evaluation.baselines import compute_baselines
from ganpipe.evaluation.evaluate import Trained
from ganpipe.evaluation.extractors import Classifying
from ganpipe.evaluation.reference import Reference, Samples
from ganpipe.prepared import PreparedDataset
from ganpipe.utils.errors import UserError

SECOND = [f"{name}_pixels" for name in SPACE_FIGURES]


def test_two_networks_stand_side_by_side_and_the_first_leads(image_data: PreparedDataset) -> None:
    good = {0: both(images(balanced(250), 3))}
    alone, two = run(image_data, good)["metrics"], run(image_data, good, opened=TWO)["metrics"]
    assert list(two) == [*IMAGE_FIGURES, *SECOND]
    assert {name: two[name] for name in IMAGE_FIGURES} == alone
    for name, second in zip(SPACE_FIGURES, SECOND, strict=True):
        one, other = two[name], two[second]
        assert (other["network"], other["resizer"], other["in_main_table"]) == ("pixels", "own", False)
        assert other["label"] == f"{one['label']}, pixels"
        assert other["better"] == one["better"]
        if name not in ("memorization", "memorization_z"):
            assert other["raw"] != one["raw"], name
    assert two["memorization_pixels"]["real_baseline"] == 0.01


def test_the_order_of_the_networks_says_which_one_leads(image_data: PreparedDataset) -> None:
    turned = dict(reversed(TWO.items()))
    good = {0: both(images(balanced(250), 3))}
    one, other = run(image_data, good, opened=TWO)["metrics"], run(image_data, good, opened=turned)["metrics"]
    leading = [name for name, metric in other.items() if metric["in_main_table"]]
    assert leading == ["frechet", "precision", "recall", *CLASS_FIGURES]
    assert other["frechet"]["network"] == "pixels"
    assert other["frechet"]["raw"] == one["frechet_pixels"]["raw"]
    assert other["recall_classifier"]["raw"] == one["recall"]["raw"]
    assert "classes_covered" in other  # they are the classifier's wherever it stands


def test_only_the_first_network_is_in_the_quick_figures(image_data: PreparedDataset) -> None:
    real = reference(image_data, opened=TWO)
    quick = ("frechet", "precision", "recall", "classes_covered", "smallest_class")
    assert quick_of(real) == quick
    assert tuple(compute_baselines(real, 100, quick=True)) == quick
    measured = real.measure(images(balanced(100), 3), 100, quick=True)
    assert set(measured.values) == {*quick, "class_kl"}
    whole = real.measure(images(balanced(100), 3), 100)
    assert [measured.value(name) for name in quick] == [whole.value(name) for name in quick]


def test_the_classifier_reads_each_sample_once(image_data: PreparedDataset) -> None:
    """The real ones when the reference is made, of the generated ones all, and of the noise as many as are compared."""
    own, read = CountingExtractor(), list[int]()

    def extract(batch: Array) -> Array:
        read.append(len(batch))
        return batch.reshape(len(batch), -1).astype(np.float32)

    network = Classifying(extract, lambda features: own.classify(features.astype(np.uint8)))
    real = reference(image_data, opened={"classifier": ("none", network.extract)}, classify=network)
    assert read == [200, 600]
    read.clear()
    one, other = images(balanced(260), 3), images(balanced(260), 4)
    found = judged(real, {0: Trained(Samples(one, other), {10: Samples(one[:70], other[:70])})})
    assert read == [260, 260, 260, 70, 70, 70]
    apart = reference(image_data, opened={"classifier": ("none", extract)}, classify=own.classifying)
    assert found["metrics"] == judged(apart, {0: Trained(Samples(one, other), {})})["metrics"]


def test_what_costs_most_is_asked_for_by_name(image_data: PreparedDataset, point_data: PreparedDataset) -> None:
    def left_out(*names: str) -> set[str]:
        return set(IMAGE_FIGURES) - set(reference(image_data, optional_metrics=names).specs)

    assert left_out() == {"parzen", "sliced_wasserstein"}
    assert left_out("parzen") == {"sliced_wasserstein"}
    assert "sliced_wasserstein" in reference(point_data, optional_metrics=()).specs


def test_quick_figures_of_points_need_no_transport(point_data: PreparedDataset) -> None:
    assert quick_of(reference(point_data)) == ("modes", "high_quality", "reverse_kl", "sliced_wasserstein")
    assert quick_of(reference(replace(point_data, modes=None, mode_std=None))) == ("sliced_wasserstein",)


def test_too_few_samples_for_the_features_have_no_extrapolation(image_data: PreparedDataset) -> None:
    """Half of 120 is below twice 36 pixels: the line to infinitely many is bent there."""
    metrics = run(image_data, {0: both(images(balanced(120), 3))}, opened=TWO)["metrics"]
    bent = metrics["frechet_infinite_pixels"]
    assert (bent["raw"], bent["real_baseline"], bent["real_baseline_std"], bent["noise_baseline"]) == (
        [None],
        None,
        None,
        None,
    )
    message = "120 samples of 36 features are fewer than 4 a feature"
    assert bent["notes"] == {"raw": [message], "ema": [message]}
    assert None not in (*metrics["frechet_infinite"]["raw"], metrics["frechet_infinite"]["real_baseline"])
    # and half of 22 leaves no room for twenty points
    few = run(image_data, {0: both(images(balanced(22), 3))}, fid_infinity_points=20)["metrics"]["frechet_infinite"]
    assert (few["raw"], few["errors"]) == ([None], None)
    assert few["notes"]["raw"] == ["20 numbers of samples take 39 samples or more"]


def test_images_without_edges_have_no_sharpness_to_compare_with(image_data: PreparedDataset) -> None:
    flat = replace(image_data, test=np.full_like(image_data.test, 7))
    found = run(flat, {0: both(images(balanced(120), 3))})["metrics"]["sharpness"]
    assert (found["raw"], found["notes"]["raw"]) == ([None], ["the real images have no edges"])


def test_windows_at_the_edge_of_those_tried_are_noted(image_data: PreparedDataset) -> None:
    black, copies = np.zeros_like(image_data.test), image_data.test
    found = run(image_data, {0: Samples(raw=black, ema=copies)})["metrics"]["parzen"]
    assert found["notes"]["ema"] == ["0.1 is at the edge of evaluate.parzen_bandwidths: wider bounds may be better"]
    assert found["notes"]["raw"] == [None]


def test_from_the_files_comes_the_same_evaluation(image_data: PreparedDataset, tmp_path: Path) -> None:
    good, snapshot = both(images(balanced(250), 3)), both(images(balanced(70), 4))
    seeds = {0: Trained(good, {10: snapshot}), 1: Trained(both(image_data.train[:260]), {10: snapshot})}
    params, network = parameters(feature_extractors=["classifier", "pixels"]), CountingExtractor()
    real = Reference(image_data, params, TWO, network.classifying, tmp_path, stored=False)
    baselines.write(real, [250, 260], [70], tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "baselines.json",
        "features-classifier.npz",
        "features-pixels.npz",
        "images-pixels.npz",
        "probabilities-classifier.npz",
    ]
    fresh = judged(real, seeds)
    again = Reference(image_data, params, TWO, network.classifying, tmp_path, stored=True)
    known, quick = baselines.read(tmp_path)
    network.calls.clear()
    kept = judged(again, seeds, all_baselines=known, quick_baselines=quick)
    assert json.dumps(kept) == json.dumps(fresh)
    assert network.calls == [250, 260, 70, 70]  # no bounds were computed again


def test_the_files_are_the_same_whenever_they_are_written(image_data: PreparedDataset, tmp_path: Path) -> None:
    """DVC compares them by their bytes."""
    for folder in (tmp_path / "one", tmp_path / "two"):
        baselines.write(
            Reference(image_data, parameters(), networks(), CountingExtractor().classifying, folder, stored=False),
            [50],
            [],
            folder,
        )
    for name in ("features-classifier.npz", "images-pixels.npz", "baselines.json"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_points_are_kept_as_well(point_data: PreparedDataset, tmp_path: Path) -> None:
    good = {0: both(points(balanced(150, 3), 3))}
    real = Reference(point_data, parameters(), {}, None, tmp_path, stored=False)
    baselines.write(real, [150], [], tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["baselines.json", "points-none.npz"]
    known, _ = baselines.read(tmp_path)
    again = Reference(point_data, parameters(), {}, None, tmp_path, stored=True)
    assert json.dumps(judged(again, good, all_baselines=known)) == json.dumps(judged(real, good))


def test_bounds_are_those_that_were_written(image_data: PreparedDataset, tmp_path: Path) -> None:
    """For more samples than half the train split, as every evaluation does, for that half."""
    real = reference(image_data)
    baselines.write(real, [10_000, 250, 5_000], [80], tmp_path / "new" / "folder")
    known, quick = baselines.read(tmp_path / "new" / "folder")
    assert sorted(known) == [250, 300]
    assert known[250] == compute_baselines(real, 250)
    assert known[300] == compute_baselines(real, 300)
    assert quick == {80: compute_baselines(real, 80, quick=True)}
    assert None in (known[250]["memorization"].std, known[250]["frechet"].real_baseline)


@pytest.mark.parametrize("broken", ["missing", "empty", "garbage", "cut", "flipped", "pickled", "array"])
def test_a_broken_file_is_one_sentence(image_data: PreparedDataset, tmp_path: Path, broken: str) -> None:
    Reference(image_data, parameters(), networks(), CountingExtractor().classifying, tmp_path, stored=False)
    path = tmp_path / "features-classifier.npz"
    whole = path.read_bytes()
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files}
    if broken == "missing":
        path.unlink()
    elif broken in ("empty", "garbage", "cut", "flipped"):
        middle = len(whole) // 2
        damaged = {
            "empty": b"",
            "garbage": b"not an archive",
            "cut": whole[:middle],
            "flipped": whole[:middle] + bytes([whole[middle] ^ 255]) + whole[middle + 1 :],
        }
        path.write_bytes(damaged[broken])
    elif broken == "pickled":
        np.savez(path, **arrays | {"mean": np.array([None])})
    else:
        with path.open("wb") as out:
            np.save(out, arrays["mean"])
    with pytest.raises(UserError) as caught:
        Reference(image_data, parameters(), networks(), CountingExtractor().classifying, tmp_path, stored=True)
    message = str(caught.value)
    assert message.startswith(f"{path} can't be read (")
    assert message.endswith("): delete it and run `dvc repro`.")
    assert "\n" not in message


@pytest.mark.parametrize(
    "content",
    [
        None,
        "",
        "{",
        "[]",
        "{}",
        '{"all": {}}',
        '{"all": {"x": {}}, "quick": {}}',
        '{"all": {"9": 3}, "quick": {}}',
        '{"all": {"9": {"frechet": {"real_baseline": 1.0}}}, "quick": {}}',
        '{"all": {"9": {"frechet": [1]}}, "quick": {}}',
    ],
)
def test_broken_bounds_are_one_sentence(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "baselines.json").write_text(content)
    with pytest.raises(UserError) as caught:
        baselines.read(tmp_path)
    message = str(caught.value)
    assert message.startswith(f"{tmp_path / 'baselines.json'} can't be read (")
    assert message.endswith(f"): delete {tmp_path} and run `dvc repro`.")
    assert "\n" not in message
