"""The desk on which decisions are made: an audit, its verdicts file and the journal beside it. No web in it."""

import datetime as dt
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from filelock import Timeout
from pydantic import ValidationError

from offtarget.audit.folder import AuditFolder
from offtarget.audit.records import Audit, Hypothesis
from offtarget.documents import plain_line
from offtarget.errors import ConfigError, unknown_name
from offtarget.gate.last import last
from offtarget.gate.records import Outcome
from offtarget.records import explain
from offtarget.review.beside import let_go, lock_of, real
from offtarget.review.file import Entry, Place, VerdictsFile, entry_of
from offtarget.review.journal import Change, Journal, Step, as_written
from offtarget.review.merge import Conflict, Merge
from offtarget.review.since import Since
from offtarget.verdicts import Decision, Seen, Verdict

VERDICTS_FILE = "verdicts.yaml"
REASON = 2000
"""Characters of a reason."""
Queue = Literal["failed", "undecided", "decided", "changed", "conflict"]
"""failed: what the gate last failed on, until the decision is another than the one that it was judged by."""
Scope = Literal["everywhere", "context"]


@dataclass(frozen=True)
class Standing:
    """Where a hypothesis stands."""

    queue: Queue
    own: Verdict | None
    """On its concept and its context."""
    general: Verdict | None
    """On its concept everywhere, where it has none of its own; of a hypothesis in a context."""

    @property
    def verdict(self) -> Verdict | None:
        """The one that counts."""
        return self.own or self.general


@dataclass(frozen=True)
class _Now:
    """What the file says now, and the merge beside it."""

    stamp: tuple[tuple[int, ...], ...]
    verdicts: dict[Place, Verdict]
    conflicts: dict[Place, Conflict]
    """Those on which nobody decided yet."""
    changed: frozenset[Place]
    """Decided on another effect than the one that is there now."""


class Desk:
    """Decisions on one audit. One desk at a time writes a verdicts file; a second one on it only reads.

    Args:
        folder: the audit.
        file: its verdicts; `verdicts.yaml` in the folder if not given.
        by: who decides.
        config: offtarget.toml, which says how large a change must be to be looked at again.

    Raises:
        ConfigError: a file is broken, or names what the audit does not have.
        UndecidedError: it was made for another vocabulary.
    """

    def __init__(self, folder: AuditFolder, file: Path | None = None, by: str = "", config: Path | None = None) -> None:
        self.folder, self.by = folder, by
        self.path = real(file or folder.path / VERDICTS_FILE)
        self.file = VerdictsFile(self.path, folder.audit)
        self.journal = Journal(self.path)
        self.merge = Merge(self.path)
        self._known: _Now | None = None
        self._since = Since(folder, config)
        self.read_only = ""
        """Why nothing can be decided here; empty where it can."""
        self.verdicts()
        self._lock = lock_of(self.path)
        self.take()

    def take(self) -> None:
        """Ask again to be the one that writes, where another desk did; it may have ended since."""
        if self._lock.is_locked:
            return
        try:
            self._lock.acquire(blocking=False)
            self.read_only = ""
        except Timeout:
            self.read_only = f"somebody else decides on {self.path.name} now: this page only reads; once that one has ended, load it again"
        except OSError as error:
            self.read_only = f"{self.path.parent} cannot be written to ({error.strerror}): this page only reads"

    def close(self) -> None:
        """Let another desk write."""
        let_go(self._lock)

    @property
    def audit(self) -> Audit:
        """The record."""
        return self.folder.audit

    @cached_property
    def hypotheses(self) -> dict[str, Hypothesis]:
        """All hypotheses by the id that pages know them by."""
        return {item_id(h): h for h in self.audit.hypotheses}

    @cached_property
    def _units(self) -> dict[str, str]:
        return {c.id: c.evidence.effect_unit for c in self.audit.concepts}

    @cached_property
    def _at(self) -> dict[Place, Hypothesis]:
        return {(h.concept, h.context): h for h in self.audit.hypotheses}

    def verdicts(self) -> dict[Place, Verdict]:
        """What is decided now, also what somebody wrote into the file by hand."""
        return self._now().verdicts

    def _now(self) -> "_Now":
        stat = self.path.stat() if self.path.exists() else None
        stamp = (() if stat is None else (stat.st_ino, stat.st_mtime_ns, stat.st_size), self.merge.stamp())
        if self._known is None or self._known.stamp != stamp:
            verdicts = {v.place: v for v in self.file.read().verdicts}
            changed = self._since.changed(verdicts.values())
            self._known = _Now(stamp, verdicts, self.merge.open(verdicts), changed)
        return self._known

    @cached_property
    def _failed(self) -> tuple[dict[Place, list[Outcome]], dict[Place, Verdict]]:
        """What the gate last failed on, and by which decisions; what nobody had decided on is the queue of the undecided."""
        found = last(self.folder)
        out: dict[Place, list[Outcome]] = {}
        for o in found.report.of("error") if found else ():
            if o.status != "undecided":
                out.setdefault((o.concept, o.context), []).append(o)
        return out, {v.place: v for v in found.verdicts} if found else {}

    def failed(self, h: Hypothesis) -> list[Outcome]:
        """What the gate last failed on in a hypothesis, as long as its decision is the one that it was judged by."""
        outcomes, said = self._failed
        there, places = self.verdicts(), ((h.concept, h.context), (h.concept, None))
        now = [v if (v := there.get(p)) is not None and v.decided else None for p in places]
        return outcomes.get(places[0], []) if now == [said.get(p) for p in places] else []

    def hypothesis(self, item: str) -> Hypothesis:
        """One hypothesis by its id.

        Raises:
            ConfigError: there is none.
        """
        if item not in self.hypotheses:
            raise unknown_name("hypothesis", item, self.hypotheses)
        return self.hypotheses[item]

    def standing(self, h: Hypothesis) -> Standing:
        """In which queue a hypothesis is, and what was decided on it.

        A decision everywhere covers the contexts. A decision whose effect is no longer what was seen, or whose last day
        has passed, has to be looked at again; of one everywhere that has expired, also what it covers. Before that comes what
        the gate last failed on.
        """
        found = self.verdicts()
        own = found.get((h.concept, h.context))
        own = own if own is not None and own.decided else None
        general = found.get((h.concept, None)) if h.context is not None and own is None else None
        general = general if general is not None and general.decided else None
        if own is None and (h.concept, h.context) in self._now().conflicts:
            return Standing("conflict", None, general)
        counts = own or general
        if self.failed(h):
            return Standing("failed", own, general)
        if counts is None:
            return Standing("undecided", None, None)
        again = self.moved(h) if own else False
        return Standing("changed" if again or expired(counts) else "decided", own, general)

    def moved(self, h: Hypothesis) -> bool:
        """Whether an effect is another than the one that was decided on, as the gate tests it (`Since`)."""
        return (h.concept, h.context) in self._now().changed

    def decide(
        self,
        items: Iterable[str],
        decision: Decision,
        *,
        scope: Scope = "everywhere",
        strength: float = 1.0,
        why: str = "",
        until: dt.date | str | None = None,
    ) -> list[str]:
        """Decide on some hypotheses, together; saved when this returns.

        Args:
            items: their ids.
            decision: `undecided` takes a decision back.
            scope: everywhere, or in the context of each (of one over the whole set: everywhere).
            strength: as `Verdict.strength`.
            why: the reason.
            until: the last day on which the gate takes it.

        Returns:
            The ids of all hypotheses whose standing may have changed.

        Raises:
            ConfigError: an unknown id, a wrong strength or date, a broken file, or a desk that only reads.
        """
        changes: dict[Place, Entry | None] = {}
        for item in items:
            h = self.hypothesis(item)
            place = (h.concept, h.context if scope == "context" else None)
            changes[place] = self._entry(place, decision, strength, why, until)
        there = self.file.entries()
        if decision == "undecided":  # nothing to take back is nothing to write
            changes = {p: e for p, e in changes.items() if p in there}
        return self._write(changes) if changes else []

    def _entry(
        self, place: Place, decision: Decision, strength: float, why: str, until: dt.date | str | None
    ) -> Entry | None:
        concept, context = place
        if decision == "undecided":
            return entry_of(Verdict(concept=concept, context=context, decision=decision))
        h = self._at.get(place)
        seen = None
        if h is not None:
            unit = self._units[concept]
            key, vocabulary = self.audit.key, self.audit.vocabulary
            seen = Seen(effect=h.effect, ci=h.ci, n=h.n_inside, unit=unit, audit=key, vocabulary=vocabulary)
        try:
            return entry_of(
                Verdict(
                    concept=concept,
                    context=context,
                    decision=decision,
                    strength=strength,
                    by=self.by or "nobody named",
                    date=dt.datetime.now(dt.UTC).date(),
                    why=plain_line(why)[:REASON],
                    until=until,  # type: ignore[arg-type]  # text is read as a day
                    seen=seen,
                )
            )
        except ValidationError as error:
            raise ConfigError(explain(error, Verdict)) from None

    def undo(self) -> list[Place]:
        """Take back the last decision that was made on this file, also before a restart.

        What somebody changed by hand since is left as it is, and the decision before that is taken back.

        Returns:
            The places of all that was decided together; none where there is nothing to take back.
        """
        self._may_write()
        step = next(self._undoable(), None)
        if step is None:
            return []
        before = {_place(c): _dated(c.before) for c in step.changes}
        self._write(before, undoes=step.n)
        return list(before)

    def undoes(self) -> int:
        """How many decisions can be taken back, one after the other."""
        return sum(1 for _ in self._undoable())

    def _undoable(self) -> Iterator[Step]:
        """The steps that `undo` takes back, the last one first: those whose decisions are in the file as they were made."""
        there = {p: as_written(e) for p, e in self.file.entries().items()}
        for step in reversed(self.journal.undoable()):
            changes = [(_place(c), c) for c in step.changes]
            if all(there.get(p) == c.after for p, c in changes):
                yield step
                there |= {p: c.before for p, c in changes}

    def resolve(self, item: str, take: str) -> list[str]:
        """Settle a conflict of a merge: the decision of one side counts.

        Args:
            item: id of the conflict.
            take: letter of the side.

        Returns:
            As `decide`.

        Raises:
            ConfigError: no such conflict or side.
        """
        conflicts = {self.item_of(place): c for place, c in self._now().conflicts.items()}
        if item not in conflicts:
            raise unknown_name("conflict", item, conflicts, hint="(that nobody settled)")
        conflict = conflicts[item]
        return self._write({conflict.place: entry_of(conflict.side(take))})

    def item_of(self, place: Place) -> str:
        """The id that pages know a place by, also one without a hypothesis: a conflict on metadata (`where:`)."""
        h = self._at.get(place)
        return f"place|{place[0]}|{place[1] or ''}" if h is None else item_id(h)

    def conflicts(self) -> Sequence[Conflict]:
        """The conflicts of a merge that are not settled."""
        return list(self._now().conflicts.values())

    def _write(self, changes: dict[Place, Entry | None], undoes: int | None = None) -> list[str]:
        self._may_write()
        there = self.file.entries()
        said = [Change(before=as_written(there.get(p)), after=as_written(e)) for p, e in changes.items()]
        made = self.file.prepared(changes)
        if (
            undoes is None
        ):  # a line that the file does not follow is passed over by undo; a decision without its line is not
            self.journal.append(self.by, said)
            self.file.write(made)
        else:  # so a step is only said to be taken back once it is
            self.file.write(made)
            self.journal.append(self.by, said, undoes)
        return self.of_concepts({concept for concept, _ in changes})

    def of_concepts(self, concepts: set[str]) -> list[str]:
        """The ids of all hypotheses on some concepts."""
        return [i for i, h in self.hypotheses.items() if h.concept in concepts]

    def _may_write(self) -> None:
        if self.read_only:
            raise ConfigError(self.read_only)


def item_id(h: Hypothesis) -> str:
    """The stable id of a hypothesis: view, concept and context."""
    return f"{h.view}|{h.concept}|{h.context or ''}"


def whole_id(concept: str) -> str:
    """The id of the hypothesis on a concept over the whole set."""
    return f"overall|{concept}|"


def expired(verdict: Verdict) -> bool:
    """Whether the last day of a verdict has passed."""
    return verdict.until is not None and verdict.until < dt.datetime.now(dt.UTC).date()


def _place(change: Change) -> Place:
    verdict = Verdict.model_validate(change.after or change.before)
    return verdict.place


def _dated(entry: dict[str, Any] | None) -> Entry | None:
    """An entry of the journal as a file holds it: days are days again."""
    if entry is None:
        return None
    days = {k: dt.date.fromisoformat(v) for k, v in entry.items() if k in ("date", "until") and _is_day(v)}
    return {**entry, **days}


def _is_day(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", value) is not None
