"""What each piece of work depends on: the parts of its variant, and for a stacked row two pieces of work."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from ganpipe.config import configuration
from ganpipe.config.configuration import Configuration
from ganpipe.config.overlay import merge, read_project
from ganpipe.pipeline import specs
from ganpipe.utils.errors import UserError

ROOT = Path(__file__).resolve().parents[1]
Specs = dict[str, dict[str, Any]]


# one without a game, two with pre-training of another kind each, one that needs images
ROWS = ("lsgan", "rpgan", "ebgan", "vae", "translate", "stacked", "sagan")
RAW = read_project(ROOT / "params.yaml")
RAW["variants"] = {row: RAW["variants"][row] for row in ROWS}


def configured(**changes: Any) -> Configuration:
    return Configuration.model_validate(merge(RAW, {"runtime": {"device": "cpu"}, **changes}))


@pytest.fixture(scope="module")
def built() -> Specs:
    return specs.build(configured(), ROOT)


def named(spec: dict[str, Any], package: str) -> set[str]:
    """The modules of a package that the spec holds, without what parts share."""
    prefix = f"ganpipe.{package}."
    return {name.removeprefix(prefix) for name in spec["code"] if name.startswith(prefix) and "._" not in name}


@pytest.mark.parametrize(
    ("capabilities", "precision"),
    [({"avx2": True, "amx_bf16": False}, "float32"), ({"avx512_bf16": True}, "bfloat16"), ({"bf16": True}, "bfloat16")],
)
def test_auto_is_bfloat16_where_the_processor_has_units_for_it(
    monkeypatch: pytest.MonkeyPatch, capabilities: dict[str, bool], precision: str
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
    runtime = configured(runtime={"device": "cpu", "precision": "auto"}).runtime
    assert specs.resolve_runtime(runtime) == runtime.model_copy(update={"precision": precision})


def test_tf32_is_refused_where_the_device_has_none() -> None:
    with pytest.raises(UserError, match=r"^runtime.precision is 'tf32', which the device cpu does not have: use auto"):
        specs.build(configured(runtime={"device": "cpu", "precision": "tf32"}), ROOT)


def test_every_row_has_its_two_specs(built: Specs) -> None:
    rows = configured().variants
    assert {name for name in built if name.startswith(("train/", "pretrain/"))} == {
        f"{stage}/{row}.json" for stage in ("train", "pretrain") for row in rows
    }


def test_a_training_depends_on_its_own_objective_and_procedure_alone(built: Specs) -> None:
    for row in configured().variants:
        spec = built[f"train/{row}.json"]
        chosen = spec["parameters"]
        members = chosen["objective"].get("members", [])
        assert named(spec, "objectives") == {part["kind"] for part in [chosen["objective"], *members]}
        assert named(spec, "penalties") == {part["kind"] for part in chosen["penalties"]}
        assert named(spec, "constraints") == {part["kind"] for part in chosen["constraints"]}
        assert f"ganpipe.algorithms.{chosen['algorithm']['kind']}" in spec["code"]
    assert "ganpipe.algorithms.adversarial" not in built["train/vae.json"]["code"]


def test_a_stacked_row_is_two_trainings(built: Specs) -> None:
    first, second = built["pretrain/stacked.json"], built["train/stacked.json"]
    assert first["module"] == "stage1"
    assert first["params"]["stage1"] == second["parameters"]["stage1"]
    assert "ganpipe.algorithms.adversarial" in first["code"]
    assert "ganpipe.algorithms.pix2pix" not in first["code"]
    assert "ganpipe.algorithms.pix2pix" in second["code"]
    assert named(first, "conditions") == named(second, "conditions") == {"downsampled"}
    alone = built["pretrain/translate.json"]
    assert alone["not_applicable"] == "the variant has no pre-training"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"algorithm": {"l1": 2.0}}, {"train/stacked.json"}),
        ({"algorithm": {"num_conditions": 900}}, {"train/stacked.json"}),
        ({"critic_optimizer": {"lr": 0.001}}, {"train/stacked.json"}),
        ({"stage1": {"critic_optimizer": {"lr": 0.001}}}, {"train/stacked.json", "pretrain/stacked.json"}),
        (
            {"overrides": {"digits": {"algorithm": {"condition": {"factor": 4}}}}},
            {"train/stacked.json", "pretrain/stacked.json"},
        ),
    ],
)
def test_a_change_of_the_second_leaves_the_first_alone(
    built: Specs, change: dict[str, Any], expected: set[str]
) -> None:
    after = specs.build(configured(variants={"stacked": change}), ROOT)
    assert {name for name in built if after[name] != built[name]} == expected


def test_a_row_that_makes_no_sense_on_points_says_why_and_the_others_go_on() -> None:
    on_ring = specs.build(configured(data={"kind": "ring", "limit": None}), ROOT)
    reasons = {row: on_ring[f"train/{row}.json"]["not_applicable"] for row in ROWS}
    assert {row for row, reason in reasons.items() if reason} == {"translate", "stacked", "sagan"}
    for row in ("translate", "stacked", "sagan"):
        assert "points" in reasons[row]
        assert on_ring[f"pretrain/{row}.json"]["not_applicable"] == reasons[row]


@pytest.mark.parametrize("data", ["digits", "stacked_digits", "mnist", "gaussian_1d"])
def test_rows_are_for_the_data_that_they_say(data: str) -> None:
    c = configuration.load(ROOT / "params.yaml")
    shape = c.datasets[data].shape
    reasons = {row: c.variant(row, data).incompatibility(shape) for row in c.variants}
    if len(shape) == 3:  # of images every variant is one, at 8 pixels and at 32, but for the critic of patches
        small = {"pix2pix"} if shape[1] < 17 else set()
        assert {row for row, reason in reasons.items() if reason} == small
    else:
        assert reasons["fgan_kl"] is None


@pytest.mark.parametrize(
    ("change", "changed"),
    [
        ({"variants": {"vae": {"num_samples": 123, "snapshots": {"num_samples": 145}}}}, False),
        ({"variants": {"another": {"title": "New", "objective": {"kind": "hinge"}, "num_samples": 123}}}, False),
        ({"seeds": [0, 1, 2, 3]}, False),
        ({"train": {"num_samples": 123}}, True),
        ({"train": {"snapshots": {"num_samples": 123}}}, True),
        ({"train": {"overrides": {"digits": {"num_samples": 123}}}}, True),
        ({"train": {"overrides": {"mnist": {"num_samples": 123}}}}, False),
        ({"evaluate": {"baseline_draws": 3}}, True),
    ],
)
def test_no_row_alone_changes_what_all_are_compared_with(built: Specs, change: dict[str, Any], changed: bool) -> None:
    """All evaluations depend on the reference: what one variant says must not run the others again."""
    after = specs.build(configured(**change), ROOT)["reference_stats.json"]
    assert (after != built["reference_stats.json"]) == changed


def test_the_reference_holds_the_bounds_of_the_shared_numbers(built: Specs) -> None:
    train = RAW["train"]
    assert built["reference_stats.json"]["counts"] == [train["num_samples"]]
    assert built["reference_stats.json"]["snapshot_counts"] == [train["snapshots"]["num_samples"]]
    # where every variant has its own, no number is shared, whatever stands in `train`
    rows = {row: {"num_samples": 200 + n} for n, row in enumerate(configured().variants)}
    alone = specs.build(configured(train={"num_samples": 199}, variants=rows), ROOT)["reference_stats.json"]
    assert alone["counts"] == []
