"""Which job may begin next: one whose needs are done, and of these the one with the longest way to the end."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

Did = Literal["ran", "restored", "kept", "failed", "skipped"]


@dataclass(frozen=True)
class Job:
    """One `dvc repro`. needs: jobs that have to succeed first; seconds: about how long it takes."""

    name: str
    arguments: tuple[str, ...]
    needs: tuple[str, ...]
    seconds: float


@dataclass(frozen=True)
class Outcome:
    """What became of a job. reason: one sentence where it failed or was skipped."""

    job: Job
    did: Did
    seconds: float = 0.0
    reason: str = ""

    @property
    def good(self) -> bool:
        return self.did not in ("failed", "skipped")


class Schedule:
    """Hands jobs to threads and takes their outcomes; a failed job takes along those that need it, and no others.

    `tell` is called with each outcome as it comes, by one thread at a time.
    """

    def __init__(self, jobs: Iterable[Job], tell: Callable[[Outcome], None]) -> None:
        self._jobs = {job.name: job for job in jobs}
        self._tell = tell
        self._waiting = dict(self._jobs)
        self._running: set[str] = set()
        self._stopped = False
        self._changed = threading.Condition()
        self._length: dict[str, float] = {}
        self.outcomes: dict[str, Outcome] = {}

    def take(self) -> Job | None:
        """The next job, waiting for one to become ready; None when there is nothing left to begin."""
        with self._changed:
            while self._waiting and not self._stopped:
                ready = [job for job in self._waiting.values() if self._ready(job)]
                if ready:
                    job = max(ready, key=lambda job: self._way(job.name))
                    del self._waiting[job.name]
                    self._running.add(job.name)
                    return job
                self._changed.wait()
            return None

    def done(self, outcome: Outcome) -> None:
        """A job that `take` gave has ended. What was interrupted after `stop` is no outcome."""
        with self._changed:
            self._running.discard(outcome.job.name)
            try:
                if not self._stopped:
                    self._note(outcome)
            finally:  # `tell` may fail
                self._changed.notify_all()

    def stop(self) -> None:
        """Hand out nothing more."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    @property
    def stopped(self) -> bool:
        """Whether `stop` was called."""
        return self._stopped

    @property
    def running(self) -> list[str]:
        """The jobs that are under way."""
        with self._changed:
            return sorted(self._running)

    def _ready(self, job: Job) -> bool:
        return all(name in self.outcomes or name not in self._jobs for name in job.needs)

    def _note(self, outcome: Outcome) -> None:
        self.outcomes[outcome.job.name] = outcome
        self._tell(outcome)
        if outcome.good:
            return
        # the cause, not the last link of the chain
        cause = outcome.reason if outcome.did == "skipped" else f"{outcome.job.name} failed"
        for job in [job for job in self._waiting.values() if outcome.job.name in job.needs]:
            if self._waiting.pop(job.name, None):
                self._note(Outcome(job, "skipped", reason=cause))

    def _way(self, name: str) -> float:
        """The seconds from the beginning of this job to the end of the longest chain that it holds up."""
        if name not in self._length:
            after = (self._way(job.name) for job in self._jobs.values() if name in job.needs)
            self._length[name] = self._jobs[name].seconds + max(after, default=0.0)
        return self._length[name]
