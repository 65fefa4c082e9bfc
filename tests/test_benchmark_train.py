"""The benchmark of training steps: one tiny round, and that its contenders have the same sizes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from benchmarks import loops, train


def test_a_round_of_one_case(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "machine.json"
    train.main(["--device", "cpu", "--cases", "ring", "--rounds", "2", "--seconds", "0", "--output", str(output)])
    found = json.loads(output.read_text())
    assert found["versions"]["torch"] == torch.__version__
    contenders = found["cases"]["ring"]["contenders"]
    ours, theirs = contenders["ganpipe"], contenders["textbook"]
    assert ours["parameters"] == theirs["parameters"] > 2 * 128**2  # a hidden layer of each network
    # separate passes for the two slope penalties cost more
    assert 0 < ours["gflop"] < theirs["gflop"]
    assert contenders["products"]["gflop"] == pytest.approx(2 * 1024**3 / 1e9)
    for own in contenders.values():
        assert 0 < own["wall_ms"]["best"] <= own["wall_ms"]["median"]
    assert ours["ratio"] == {"median": 1.0, "best": 1.0}
    out = capsys.readouterr().out
    assert "ring, `rpgan`, dense 128" in out
    assert "textbook " in out


def test_the_other_loops_have_a_resnet_of_the_same_size() -> None:
    case = train.CASES["sngan"]
    variant = train.variant_of(case)
    ours = (variant.generator.build(128, case.shape), variant.critic.build(case.shape))
    theirs = loops.networks(variant, case.shape, lambda layer: layer)
    assert [sum(p.numel() for p in net.parameters()) for net in ours] == [
        sum(p.numel() for p in net.parameters()) for net in theirs
    ]
