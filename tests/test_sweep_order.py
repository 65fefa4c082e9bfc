"""In which order a sweep begins its stages, what a failure takes along, and how many run at a time."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from ganpipe.errors import BadInput
from ganpipe.planning import Item
from ganpipe.sweep import slots
from ganpipe.sweep.command import wanted
from ganpipe.sweep.schedule import Job, Outcome, Schedule
from ganpipe.variant import Runtime


def job(name: str, *needs: str, seconds: float = 1.0) -> Job:
    return Job(name, (), needs, seconds)


def runtime(device: str, threads: int = 1) -> Runtime:
    return Runtime.model_validate(
        {"device": device, "threads": threads, "precision": "float32", "deterministic": False}
    )


def serve(schedule: Schedule, *failing: str) -> list[str]:
    """Do what is handed out, one after the other."""
    order = []
    while taken := schedule.take():
        order.append(taken.name)
        schedule.done(Outcome(taken, "failed" if taken.name in failing else "ran"))
    return order


def test_the_longest_way_to_the_end_begins_first() -> None:
    jobs = [job("short"), job("long", seconds=5), job("first"), job("second", "first", seconds=9), job("last", "long")]
    assert serve(Schedule(jobs, lambda _: None)) == ["first", "second", "long", "short", "last"]


def test_a_failure_takes_along_what_needs_it_and_nothing_else() -> None:
    told: list[Outcome] = []
    jobs = [job("a", seconds=9), job("b", "a"), job("c", "b", "d"), job("d"), job("e", "d", "elsewhere")]
    schedule = Schedule(jobs, told.append)
    assert serve(schedule, "a") == ["a", "d", "e"]
    assert {outcome.job.name: outcome.did for outcome in told} == {
        "a": "failed",
        "b": "skipped",
        "c": "skipped",
        "d": "ran",
        "e": "ran",
    }
    assert schedule.outcomes["c"].reason == schedule.outcomes["b"].reason == "a failed"


def test_a_thread_waits_for_what_another_one_does() -> None:
    schedule = Schedule([job("a"), job("b", "a")], lambda _: None)
    first = schedule.take()
    assert first is not None
    assert schedule.running == ["a"]
    taken: list[Job | None] = []
    thread = threading.Thread(target=lambda: taken.append(schedule.take()))
    thread.start()
    thread.join(0.1)
    assert taken == []
    schedule.done(Outcome(first, "kept"))
    thread.join()
    assert [found.name for found in taken if found] == ["b"]


def test_after_a_stop_nothing_begins_and_nothing_counts() -> None:
    told: list[Outcome] = []
    schedule = Schedule([job("a"), job("b")], told.append)
    first = schedule.take()
    assert first is not None
    schedule.stop()
    assert schedule.take() is None
    schedule.done(Outcome(first, "failed"))
    assert told == []


def planned(stage: str, *needs: str) -> Item:
    return Item(stage, "runs", "never ran", 1.0, False, f"stages/dvc.yaml:{stage}", needs)


def test_some_rows_take_along_what_they_need_and_nothing_of_others() -> None:
    shared = [planned("resolve"), planned("prepare", "resolve"), planned("classifier", "prepare")]
    rows = [
        item
        for row in ("lsgan", "ebgan")
        for item in (
            planned(f"pretrain@{row}", "prepare"),
            planned(f"train@{row}-0", f"pretrain@{row}"),
            planned(f"evaluate@{row}", f"train@{row}-0", "classifier"),
        )
    ]
    ends = [planned("summary", "evaluate@lsgan"), planned("report", "evaluate@lsgan", "evaluate@ebgan")]
    everything = [*shared, *rows, *ends]
    assert [found.name for found in wanted(everything, {}, frozenset())] == [item.stage for item in everything]
    names = {found.name for found in wanted(everything, {}, frozenset({"lsgan"}))}
    assert names == {item.stage for item in [*shared, *rows[:3], ends[0]]}
    # nothing of the other row is left to do: the page of all can be made
    names = {found.name for found in wanted([*rows[:3], *ends], {}, frozenset({"lsgan"}))}
    assert names == {item.stage for item in [*rows[:3], *ends]}


def test_what_was_never_timed_is_ordered_by_its_steps() -> None:
    item = Item("train@lsgan-0", "runs", "never ran", None, False, "stages/dvc.yaml:train@lsgan-0")
    spec = {"not_applicable": None, "variant": {"steps": 5000}}
    (long,) = wanted([item], {"train/lsgan.json": spec}, frozenset())
    (short,) = wanted([item], {"train/lsgan.json": spec | {"not_applicable": "no images"}}, frozenset())
    assert long.seconds > 10 * short.seconds > 0


def test_as_many_as_the_cores_allow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slots, "cores", lambda: 6)
    for threads, number in ((1, 6), (2, 3), (4, 1), (8, 1)):
        assert slots.environments("auto", None, runtime("cpu", threads), []) == [{}] * number
    assert slots.environments("9", None, runtime("cpu"), []) == [{}] * 9
    assert slots.environments("auto", None, runtime("mps"), []) == [{}]


def test_each_gpu_has_as_many_slots() -> None:
    def devices(jobs: str, per_gpu: int | None) -> list[str]:
        return [add["CUDA_VISIBLE_DEVICES"] for add in slots.environments(jobs, per_gpu, runtime("cuda"), ["3", "7"])]

    assert devices("auto", None) == ["3", "7"]
    assert sorted(devices("auto", 2)) == ["3", "3", "7", "7"]
    assert devices("3", None) == ["3", "7", "3"]
    assert slots.visible(2, {"CUDA_VISIBLE_DEVICES": "3, 7"}) == ["3", "7"]
    assert slots.visible(2, {}) == ["0", "1"]


@pytest.mark.parametrize(
    ("jobs", "per_gpu", "device", "said"),
    [
        ("0", None, "cpu", "^-j is '0': "),
        ("two", None, "cpu", "^-j is 'two': "),
        ("auto", 2, "cpu", "^--per-gpu is for CUDA, and runtime.device is cpu here: "),
        ("auto", 0, "cuda", "^--per-gpu is 0: "),
        ("2", 1, "cuda", "^-j and --per-gpu exclude each other: "),
    ],
)
def test_what_makes_no_sense_is_one_sentence(jobs: str, per_gpu: int | None, device: str, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        slots.environments(jobs, per_gpu, runtime(device), ["0"])


def test_a_container_has_fewer_cores(tmp_path: Path) -> None:
    everything = slots.cores(tmp_path / "none")
    assert everything >= 1
    quota = tmp_path / "cpu.max"
    for content, number in (("max 100000", everything), ("50000 100000", 1), ("100000 100000", 1), ("?", everything)):
        quota.write_text(content)
        assert slots.cores(quota) == number
