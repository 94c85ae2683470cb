"""Several people decided: what they agree on, what only one decided, and where they contradict."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from offtarget import verdicts as verdict_file
from offtarget.documents import read_json
from offtarget.errors import ConfigError, UndecidedError, unknown_name
from offtarget.records import Record, explain
from offtarget.review.beside import beside, held, real
from offtarget.review.file import Place, changed, entry_of, exact
from offtarget.store import write_atomic
from offtarget.verdicts import Verdict

SUFFIX = ".merge.json"
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
MOST = len(LETTERS) - 1
"""Files of one merge; the merged file may be one more side."""


class Side(Record):
    """What one file says."""

    letter: str
    file: str
    own: bool = False
    """Whether it is the merged file, in which somebody decided before."""
    verdict: Verdict


class Conflict(Record):
    """One place on which files contradict: another decision or another strength.

    It is settled exactly while the merged file has a decision on the place.
    """

    concept: str
    context: str | None
    """Its scope, as `Verdict.scope`; None: everywhere."""
    sides: tuple[Side, ...]

    @property
    def place(self) -> Place:
        """Concept and scope."""
        return self.concept, self.context

    @property
    def others(self) -> tuple[Side, ...]:
        """The sides that are not the merged file."""
        return tuple(s for s in self.sides if not s.own)

    def side(self, letter: str) -> Verdict:
        """The verdict of one side.

        Raises:
            ConfigError: there is none of that letter.
        """
        for side in self.sides:
            if side.letter == letter:
                return side.verdict
        raise unknown_name("side", letter, [s.letter for s in self.sides])


class Merged(Record):
    """What lies beside a merged file: where its sources contradict, and what was taken over from them."""

    conflicts: tuple[Conflict, ...] = ()
    taken: tuple[Verdict, ...] = ()
    """Verdicts of the merged file that are copies of its sources'; the next merge may replace them."""


class Merge:
    """What lies beside a verdicts file that was merged.

    Args:
        file: the verdicts file.
    """

    def __init__(self, file: Path) -> None:
        self.path = beside(file, SUFFIX)
        self._known: tuple[tuple[int, ...], Merged] | None = None

    def stamp(self) -> tuple[int, ...]:
        """Another one once the record is another; empty where there is none."""
        if not self.path.is_file():
            return ()
        stat = self.path.stat()
        return stat.st_ino, stat.st_mtime_ns, stat.st_size

    def read(self) -> Merged:
        """All conflicts, settled or not.

        Raises:
            ConfigError: the record is damaged.
        """
        now = self.stamp()
        if not now:
            return Merged()
        if self._known is None or self._known[0] != now:
            remedy = "delete it, and merge again with `offtarget verdicts merge`"
            try:
                self._known = now, Merged.model_validate(read_json(self.path, remedy=remedy))
            except ValidationError as error:
                raise ConfigError(f"{self.path}: {explain(error, Merged)}; {remedy}") from None
        return self._known[1]

    def open(self, verdicts: Mapping[Place, Verdict]) -> dict[Place, Conflict]:
        """The conflicts on which the merged file has no decision.

        Args:
            verdicts: what it holds.
        """
        settled = {place for place, v in verdicts.items() if v.decided}
        return {c.place: c for c in self.read().conflicts if c.place not in settled}

    def write(self, merged: Merged) -> None:
        """Write the record; of nothing, no file is left."""
        if merged == Merged():
            self.path.unlink(missing_ok=True)
        else:
            write_atomic(self.path, merged.model_dump_json(indent=1) + "\n")


def merge(files: Sequence[Path], out: Path, prefer: Path | None = None) -> tuple[Conflict, ...]:
    """Put verdicts files together into one.

    What nobody else contradicts is taken over; of two decisions that are the same, that of the file named first. A place
    on which they contradict is written as undecided, until somebody decides on it in `out`; then it stays decided as long as
    the files say the same. What somebody decided in `out` is one side more. Comments and order stay: those of `out` where
    it is there, else those of the first file.

    Args:
        files: two or more.
        out: the file to write; the conflicts lie beside it.
        prefer: one of the files, which counts where they contradict.

    Returns:
        The conflicts that are left.

    Raises:
        ConfigError: fewer than two files, `prefer` is none of them, one is broken, or somebody decides on `out` now.
        UndecidedError: they were made for different vocabularies.
    """
    out = real(out)
    if not 2 <= len(files) <= MOST:
        raise ConfigError(f"give between 2 and {MOST} verdicts files to merge")
    known = [*files, out] if out.exists() else list(files)
    if prefer is not None and not any(_same(f, prefer) for f in known):
        raise ConfigError(f"--prefer {prefer}: name one of the files that are merged: {', '.join(map(str, files))}")
    _sides(dict(zip(LETTERS, known, strict=False)), "")  # what cannot be merged leaves no folder and no lock
    with held(out):
        apart = not any(_same(f, out) for f in files)
        sources = [*files, out] if apart and out.exists() else list(files)
        letters = dict(zip(LETTERS, sources, strict=False))
        own = next((x for x, f in letters.items() if _same(f, out)), "")
        first = next((x for x, f in letters.items() if prefer and _same(f, prefer)), "")
        before = Merge(out).read() if own else Merged()
        conflicts = {c.place: c for c in before.conflicts}
        copies: dict[Place, list[Verdict]] = {}
        for v in (*before.taken, *(s.verdict for c in before.conflicts for s in c.others)) if apart else ():
            copies.setdefault(v.place, []).append(v)
        found = {
            place: _judged(sides, own, conflicts.get(place), copies.get(place, ()), first)
            for place, sides in _sides(letters, own).items()
        }
        start = out if own else files[0]
        changes = {place: entry_of(f.verdict) for place, f in found.items()}
        text = changed(exact(start), changes, str(start))
        left = tuple(Conflict(concept=p[0], context=p[1], sides=f.conflict) for p, f in found.items() if f.conflict)
        taken = tuple(f.verdict for f in found.values() if f.copy and apart)
        record = Merge(out)
        record.write(Merged(conflicts=left, taken=taken))  # first, since it alone holds what `out` said on a conflict
        write_atomic(out, text)
        return tuple(record.open({p: f.verdict for p, f in found.items()}).values())


@dataclass(frozen=True)
class _Judged:
    """What becomes of one place."""

    verdict: Verdict
    """What the merged file says."""
    conflict: tuple[Side, ...] = ()
    """The sides that contradict."""
    copy: bool = False
    """Whether it is a source's."""


def _judged(
    sides: Sequence[Side], own_letter: str, was: Conflict | None, copies: Sequence[Verdict], first: str
) -> _Judged:
    """One place.

    Args:
        sides: what the files say, also the merged one; decided or not.
        own_letter: of the merged file.
        was: the conflict of the merge before.
        copies: what the merged file may have from its sources.
        first: letter of the preferred file; empty where there is none.
    """
    others = [s for s in sides if not s.own and s.verdict.decided]
    own = [s for s in sides if s.own and s.verdict.decided]
    same = was is not None and _decisions(others) == _decisions(was.others)
    settled = own[0].verdict if own and same else None
    copy = bool(own) and entry_of(own[0].verdict) in [entry_of(v) for v in copies]
    if was is not None and (same or not own):  # what it said before it was asked
        own = [s.model_copy(update={"letter": own_letter}) for s in was.sides if s.own]
    elif copy and others:
        own = []
    left = sorted((*others, *own), key=lambda s: s.letter)
    if len({(s.verdict.decision, s.verdict.strength) for s in left}) > 1:
        settled = next((s.verdict for s in left if s.letter == first), settled)
        return _Judged(settled or _open(left[0].verdict), tuple(left))
    one = (own or left or sides)[0].verdict
    return _Judged(one, copy=one.decided and (copy or not own))


def _sides(letters: Mapping[str, Path], own: str) -> dict[Place, list[Side]]:
    """What each file says on each place.

    Raises:
        ConfigError: one is broken.
        UndecidedError: they were made for different vocabularies.
    """
    read = {letter: verdict_file.read(path) for letter, path in letters.items()}
    one = next(iter(read.values())).vocabulary
    for letter, found in read.items():
        if found.vocabulary != one:
            raise UndecidedError(
                f"{letters[letter]}: made for vocabulary {found.vocabulary[:12]}, but {letters['A']} for {one[:12]}; only "
                "verdicts on one vocabulary can be merged"
            )
    out: dict[Place, list[Side]] = {}
    for letter, found in read.items():
        for v in found.verdicts:
            side = Side(letter=letter, file=str(letters[letter]), own=letter == own, verdict=v)
            out.setdefault(v.place, []).append(side)
    return out


def _open(v: Verdict) -> Verdict:
    """The place of a verdict, undecided."""
    return Verdict(concept=v.concept, context=v.context, where=v.where, decision="undecided")


def _decisions(sides: Sequence[Side]) -> list[tuple[str, str, float]]:
    """Who decided what, in whichever files."""
    return sorted((s.verdict.by, s.verdict.decision, s.verdict.strength) for s in sides)


def _same(a: Path, b: Path) -> bool:
    """Whether two paths name one file, which need not be there."""
    return a.resolve() == b.resolve()
