"""What every data set keeps to, as its entry in params.yaml makes it, with fewer samples.

A new data set is a file in ganpipe/data and an entry in params.yaml; only if it needs raw files, it also needs a
function in `raw_files.RAW_FILES`. What is special about it is tested in a file of its own.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from changed_params import ORIGINAL, no_data_root
from raw_files import RAW_FILES

from ganpipe import prepared
from ganpipe.data import Dataset
from ganpipe.parts import kinds, part_class
from ganpipe.utils.errors import UserError

_environment = pytest.fixture(no_data_root, autouse=True)
ENTRIES = {entry["kind"]: entry for entry in ORIGINAL["datasets"].values()}
every = pytest.mark.parametrize("kind", kinds("ganpipe.data"))


def dataset(kind: str, **changes: int) -> Dataset:
    assert kind in ENTRIES, f"give {kind} an entry in params.yaml"
    small = {key: min(ENTRIES[kind][key], 2000) for key in ("train", "test") if key in ENTRIES[kind]}
    part = part_class("ganpipe.data", kind).model_validate({**ENTRIES[kind], **small, **changes})
    assert isinstance(part, Dataset)
    return part


@every
def test_it_keeps_to_the_format(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given, root = dataset(kind), tmp_path / "raw"
    RAW_FILES.get(kind, lambda root, monkeypatch: None)(root, monkeypatch)
    assert given.missing_files(root) is None
    data = given.load(root)
    assert (given.form, given.shape) == (data.form, data.shape)
    assert given.classes(root) in ((data.classes,) if given.form == "images" else (None, data.classes))
    assert given.test_size() in (None, len(data.test))
    for samples, labels in ((data.train, data.train_labels), (data.test, data.test_labels)):
        assert samples.dtype == (np.uint8 if given.form == "images" else np.float32)
        assert samples.shape[1:] == given.shape
        assert np.isfinite(samples).all()
        assert labels.dtype == np.int64
        assert labels.shape == (len(samples),)
        assert 0 <= labels.min() <= labels.max() < data.classes
    fingerprint = given.fingerprint(root)
    assert fingerprint is None or re.fullmatch("[0-9a-f]{64}", fingerprint)
    np.random.seed(7)  # global state does not matter
    assert given.load(root).digest() == data.digest()
    assert given.fingerprint(root) == fingerprint
    for seed in {"seed", "split_seed"} & set(ENTRIES[kind]):
        assert dataset(kind, **{seed: 1}).load(root).digest() != data.digest()
    prepared.write(tmp_path / "prepared", kind, data)
    assert prepared.read(tmp_path / "prepared")[0].digest() == data.digest()


@every
def test_missing_raw_files_are_one_sentence(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where GANPIPE_DATA_ROOT is set nothing is downloaded."""
    monkeypatch.setenv("GANPIPE_DATA_ROOT", str(tmp_path))
    given = dataset(kind)
    sentence = given.missing_files(tmp_path)
    if kind not in RAW_FILES:
        assert sentence is None, f"give {kind} a function in RAW_FILES"
        return
    assert sentence
    assert re.fullmatch(
        rf"datasets\.{kind}[^\n]*{re.escape(str(tmp_path))}[^\n]*: [^\n]*GANPIPE_DATA_ROOT.*\.", sentence
    )
    with pytest.raises(UserError) as caught:
        given.load(tmp_path)
    assert str(caught.value) == sentence
