"""What changes in a folder of images, which DVC itself does not watch, is prepared again, and nothing else is."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pipeline_project import Project


def draw(folder: Path, *names: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        pixels = np.random.default_rng(len(name)).integers(256, size=(8, 8, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / name)


@pytest.mark.slow
def test_an_image_more_and_one_that_was_touched(fresh: Project) -> None:
    project, images = fresh, fresh.root / "data/raw/images"
    for name in ("cat", "dog"):
        draw(images / name, "1.png", "22.png", "333.png", "4444.png")
    with project.params() as params:
        params["data"]["kind"] = "image_folder"
        params["datasets"]["image_folder"].update(size=8, test=4)
        params["evaluate"].update(precision_recall_k=2, density_coverage_k=2, inception_score_splits=2)

    def meta() -> bytes:
        return (project.root / "data/prepared/image_folder/meta.json").read_bytes()

    assert project.repro("prepare").ran == {"resolve", "prepare"}
    first, nothing = meta(), project.repro("prepare").ran
    assert nothing == set()
    assert not {"fingerprint", "prepare"} & project.plan().keys()
    draw(images / "cat", "55555.png")
    planned = project.plan()
    assert planned["fingerprint"]["reason"] == "the files that the data is read from changed"
    assert planned["prepare"]["reason"] == "depends on fingerprint"
    assert project.repro("prepare").ran == {"prepare"}
    more = meta()
    assert more != first
    # another time alone is the same data in the end
    os.utime(images / "dog" / "1.png", (1, 1))
    assert project.repro("prepare").ran == {"prepare"}
    assert meta() == more
    (images / "cat" / "55555.png").unlink()
    assert project.repro("prepare").ran == {"prepare"}
    assert meta() == first


@pytest.mark.slow
def test_an_experiment_in_a_folder_of_its_own_reads_the_project_s_files(fresh: Project) -> None:
    draw(fresh.root / "data/raw/images", *(f"{'1' * k}.png" for k in range(1, 9)))
    with fresh.params() as params:
        params["data"]["kind"] = "image_folder"
        params["datasets"]["image_folder"].update(size=8, test=4)
        params["evaluate"].update(
            feature_extractors=["pixels"], precision_recall_k=2, density_coverage_k=2, inception_score_splits=2
        )
    fresh.commit()
    assert {"resolve", "prepare"} <= fresh.dvc("exp", "run", "--temp", "prepare").ran
