"""`ganpipe sweep --data`: several data sets, one after another."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock
from pipeline_project import Project

from ganpipe.config.configuration import Configuration
from ganpipe.pipeline.data_sets import one_after_another
from ganpipe.pipeline.sweep import INTERRUPTED
from ganpipe.utils.errors import UserError


@pytest.fixture
def params(blank: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.delenv("GANPIPE_DATA_ROOT", raising=False)
    monkeypatch.chdir(blank.clone(tmp_path / "project").root)
    numbers = (signal.SIGTERM, signal.SIGHUP)
    handlers = [signal.getsignal(number) for number in numbers]
    yield Path("params.yaml")
    for number, handler in zip(numbers, handlers, strict=True):
        signal.signal(number, handler)


def test_each_is_chosen_in_turn_and_params_are_as_before(params: Path) -> None:
    """The edit of a person meanwhile is kept, too."""
    before, seen = params.read_text(encoding="utf-8"), []

    def run(c: Configuration) -> int:
        seen.append(c.data.kind)
        text = params.read_text(encoding="utf-8")
        assert text.replace(f"kind: {c.data.kind}", "kind: digits", 1).startswith(before)
        params.write_text(text + "# a note\n", encoding="utf-8")
        return int(c.data.kind == "grid")

    assert one_after_another(params, ["digits", "grid", "ring", "grid"], run) == 1
    assert seen == ["grid", "ring", "digits"]
    assert params.read_text(encoding="utf-8") == before + 3 * "# a note\n"


def test_every_byte_is_as_before(params: Path) -> None:
    """Quotes, and lines as other systems end them."""
    before = params.read_bytes().replace(b"kind: digits", b'kind: "digits"', 1).replace(b"\n", b"\r\n")
    params.write_bytes(before)
    assert one_after_another(params, ["ring", "grid"], lambda c: 0) == 0
    assert params.read_bytes() == before


def test_an_interruption_ends_it_and_a_failure_leaves_params_as_before(params: Path) -> None:
    before = params.read_text(encoding="utf-8")
    assert one_after_another(params, ["ring", "grid"], lambda c: INTERRUPTED if c.data.kind == "ring" else 1) == 130

    def run(c: Configuration) -> int:
        raise UserError(c.data.kind)

    with pytest.raises(UserError, match="ring"):
        one_after_another(params, ["ring", "grid"], run)
    assert params.read_text(encoding="utf-8") == before


def test_it_may_be_asked_to_end_between_two_sweeps(params: Path) -> None:
    before = params.read_bytes()
    with pytest.raises(KeyboardInterrupt):
        one_after_another(params, ["ring", "grid"], lambda c: signal.raise_signal(signal.SIGTERM) or 0)
    assert params.read_bytes() == before


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        (["ring", "grit"], "'grit' is no data set of params.yaml: did you mean grid? known: digits, "),
        (["ring", ""], "'' is no data set of params.yaml: known: digits, "),
        (["ring", "image_folder"], "image_folder"),
    ],
)
def test_nothing_runs_where_one_cannot(params: Path, names: list[str], sentence: str) -> None:
    before = params.read_text(encoding="utf-8")
    with pytest.raises(UserError, match=re.escape(sentence)):
        one_after_another(params, names, lambda c: pytest.fail("it ran"))
    assert params.read_text(encoding="utf-8") == before


def test_params_of_a_sweep_at_work_stay_as_they_are(params: Path) -> None:
    before, folder = params.read_text(encoding="utf-8"), Path(".cache/sweep")
    folder.mkdir(parents=True)
    with FileLock(folder / "lock"), pytest.raises(UserError, match="another sweep is at work in this folder"):
        one_after_another(params, ["ring"], lambda c: pytest.fail("it ran"))
    assert params.read_text(encoding="utf-8") == before


@pytest.mark.parametrize("data", ["data: {kind: digits, limit: null}\n", "data:\n  kind: &d digits\n  limit: null\n"])
def test_params_in_which_the_name_cannot_be_written_are_refused(params: Path, data: str) -> None:
    text = params.read_text(encoding="utf-8")
    changed = text[: text.index("data:\n")] + data + text[text.index("runtime:\n") :]
    params.write_text(changed, encoding="utf-8")
    with pytest.raises(UserError, match=r"params\.yaml does not have data\.kind on a line of its own"):
        one_after_another(params, ["ring"], lambda c: pytest.fail("it ran"))
    assert params.read_text(encoding="utf-8") == changed
