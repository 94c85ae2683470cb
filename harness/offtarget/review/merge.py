"""Several people decided: what they agree on, what only one decided, and where they contradict."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import ValidationError

from offtarget import verdicts as verdict_file
from offtarget.documents import read_json
from offtarget.errors import ConfigError, UndecidedError, unknown_name
from offtarget.records import Record, explain
from offtarget.review.beside import beside, real
from offtarget.review.file import Entry, Place, changed, entry_of, exact
from offtarget.store import write_atomic
from offtarget.verdicts import Verdict

SUFFIX = ".merge.json"
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class Side(Record):
    """What one file says."""

    letter: str
    file: str
    verdict: Verdict


class Conflict(Record):
    """One place on which files contradict: another decision or another strength."""

    concept: str
    context: str | None
    sides: tuple[Side, ...]
    taken: str | None = None
    """The letter of the side that counts; None until somebody settles it."""

    @property
    def place(self) -> Place:
        """Concept and scope."""
        return self.concept, self.context

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
    """What lies beside a merged file: where its sources contradict, and what was taken."""

    conflicts: tuple[Conflict, ...] = ()


class Merge:
    """The conflicts beside a verdicts file.

    Args:
        file: the verdicts file.
    """

    def __init__(self, file: Path) -> None:
        self.path = beside(file, SUFFIX)
        self._known: tuple[tuple[int, int], Merged] | None = None

    def read(self) -> Merged:
        """All conflicts, settled or not.

        Raises:
            ConfigError: the file is damaged.
        """
        if not self.path.is_file():
            return Merged()
        stat = self.path.stat()
        now = (stat.st_mtime_ns, stat.st_size)
        if self._known is None or self._known[0] != now:
            remedy = "merge again with `offtarget verdicts merge`"
            try:
                self._known = now, Merged.model_validate(read_json(self.path, remedy=remedy))
            except ValidationError as error:
                raise ConfigError(f"{self.path}: {explain(error, Merged)}; {remedy}") from None
        return self._known[1]

    def open(self) -> dict[Place, Conflict]:
        """Those that nobody settled."""
        return {c.place: c for c in self.read().conflicts if c.taken is None}

    def write(self, conflicts: Sequence[Conflict]) -> None:
        """Write them down; without any, no file is left."""
        if not conflicts:
            self.path.unlink(missing_ok=True)
            return
        write_atomic(self.path, Merged(conflicts=tuple(conflicts)).model_dump_json(indent=1) + "\n")

    def settle(self, place: Place, letter: str) -> None:
        """Say which side counts."""
        found = self.read().conflicts
        self.write([c.model_copy(update={"taken": letter}) if c.place == place else c for c in found])


def merge(files: Sequence[Path], out: Path, prefer: Path | None = None) -> tuple[Conflict, ...]:
    """Put verdicts files together into one.

    The first file is the one whose comments and order stay. What nobody else contradicts is taken over; of two decisions
    that are the same, that of the file named first. A place on which they contradict is written as undecided, until it is
    settled on the page; what was settled there for the same decisions stays settled.

    Args:
        files: two or more.
        out: the file to write; the conflicts lie beside it.
        prefer: one of the files, which counts where they contradict.

    Returns:
        The conflicts that are left.

    Raises:
        ConfigError: fewer than two files, `prefer` is none of them, one is broken.
        UndecidedError: they were made for different vocabularies.
    """
    if not 2 <= len(files) <= len(LETTERS):
        raise ConfigError(f"give between 2 and {len(LETTERS)} verdicts files to merge")
    if prefer is not None and prefer not in files:
        raise ConfigError(f"--prefer {prefer}: name one of the files that are merged: {', '.join(map(str, files))}")
    out = real(out)
    read = [verdict_file.read(f) for f in files]
    for path, found in zip(files[1:], read[1:], strict=True):
        if found.vocabulary != read[0].vocabulary:
            raise UndecidedError(
                f"{path}: made for vocabulary {found.vocabulary[:12]}, but {files[0]} for {read[0].vocabulary[:12]}; only "
                "verdicts on one vocabulary can be merged"
            )
    said: dict[Place, list[Side]] = {}
    for letter, path, found in zip(LETTERS, files, read, strict=False):
        for v in found.verdicts:
            said.setdefault(v.place, []).append(Side(letter=letter, file=str(path), verdict=v))
    before = {c.place: c for c in Merge(out).read().conflicts}
    changes: dict[Place, Entry | None] = {}
    conflicts: list[Conflict] = []
    for place, all_sides in said.items():
        sides = [s for s in all_sides if s.verdict.decided] or all_sides[:1]
        if len({(s.verdict.decision, s.verdict.strength) for s in sides}) == 1:
            changes[place] = entry_of(sides[0].verdict)
            continue
        taken = None if prefer is None else next((s.letter for s in sides if s.file == str(prefer)), None)
        conflict = Conflict(concept=place[0], context=place[1], sides=tuple(sides), taken=taken)
        earlier = before.get(place)
        if taken is None and earlier is not None and earlier.taken and _same(earlier, conflict):
            conflict = conflict.model_copy(update={"taken": earlier.taken})
        conflicts.append(conflict)
        one = conflict.side(conflict.taken) if conflict.taken else _open(sides[0].verdict)
        changes[place] = entry_of(one)
    start = exact(files[0])
    write_atomic(out, changed(start, changes, str(files[0])))
    Merge(out).write(conflicts)
    return tuple(c for c in conflicts if c.taken is None)


def _open(v: Verdict) -> Verdict:
    """The place of a verdict, undecided."""
    return Verdict(concept=v.concept, context=v.context, where=v.where, decision="undecided")


def _same(a: Conflict, b: Conflict) -> bool:
    """Whether two conflicts are between the same decisions."""

    def key(c: Conflict) -> Mapping[str, tuple[str, str, float]]:
        return {s.letter: (s.file, s.verdict.decision, s.verdict.strength) for s in c.sides}

    return key(a) == key(b)
