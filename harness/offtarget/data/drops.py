"""What was left out of a set: how much of it is alarming, and a list of it."""

import csv
import io
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from offtarget.data.messages import IMAGES, NATURAL, NO_PREFERENCE, TIE, UNMATCHED
from offtarget.data.pairs import DroppedRow, PairSet
from offtarget.errors import ConfigError, DataError, UndecidedError
from offtarget.store import write_atomic

WARNED = 0.01
"""Share of pairs left out for a reason that good data does not have, above which every decision carries a warning."""
REFUSED = 0.20
"""Share above which nothing is decided on the rest, unless the person says so."""


def alarming(dropped: Mapping[str, int]) -> Counter[str]:
    """The counts of those reasons that good data does not have."""
    return Counter({reason: n for reason, n in dropped.items() if reason not in NATURAL})


def alarming_share(n_usable: int, dropped: Mapping[str, int]) -> float:
    """Share of all pairs that were read which was left out for a reason that good data does not have.

    Args:
        n_usable: pairs that can be used.
        dropped: all others, by reason.
    """
    read = n_usable + sum(dropped.values())
    return alarming(dropped).total() / read if read else 0.0


def lost_told(n_usable: int, dropped: Mapping[str, int]) -> str:
    """How many pairs were left out for reasons that good data does not have, in words."""
    lost, read = alarming(dropped).total(), n_usable + sum(dropped.values())
    return f"{lost} of {read} pairs ({lost / read:.1%}) cannot be used"


def ties_told(n_usable: int, dropped: Mapping[str, int]) -> str:
    """How many pairs are stated as ties, in words, where they are over 20 %; empty where they are fewer."""
    ties, read = (dropped.get(TIE, 0), n_usable + sum(dropped.values()))
    if not read or ties / read <= REFUSED:
        return ""
    return f"{ties} of {read} pairs ({ties / read:.1%}) are ties and left out"


def drop_cautions(pairs: PairSet) -> list[str]:
    """What a decision should know of pairs that were left out.

    One sentence where they are over 1 % for reasons that good data does not have, and one where over 20 % are ties.
    """
    out = []
    if alarming_share(pairs.n_usable, pairs.dropped) > WARNED:
        out.append(_left_out(pairs.n_usable, pairs.dropped, pairs.dropped_rows))
    if ties := ties_told(pairs.n_usable, pairs.dropped):
        out.append(f"{ties}: what is found holds for pairs in which somebody had a preference")
    return out


def require_usable(pairs: PairSet, *, allow_drops: bool = False) -> None:
    """Refuse a set of which nothing, or too little, is left.

    Raises:
        UndecidedError: no pair is left, and no row states a preference (all ties, all equal, no labels).
        DataError: no pair is left for other reasons; or over 20 % of the pairs were lost to such reasons and
            `allow_drops` is false.
    """
    if not pairs.n_usable:
        ways = "".join(f"; {way}" for reason, way in _WAYS.items() if reason in pairs.dropped)
        text = f"{pairs.name}: no pair is left to compare ({_reasons(pairs.dropped)}{_first(pairs.dropped_rows)}){ways}"
        if set(pairs.dropped) <= NO_PREFERENCE:
            raise UndecidedError(f"{text}; check the label column")
        raise DataError(text)
    if not allow_drops:
        require_few_drops(pairs.name, pairs.n_usable, pairs.dropped, pairs.dropped_rows)


def require_few_drops(name: str, n_usable: int, dropped: Mapping[str, int], rows: Sequence[DroppedRow] = ()) -> None:
    """Refuse a set that lost over 20 % of its pairs for reasons that good data does not have.

    Raises:
        DataError: it did.
    """
    if alarming_share(n_usable, dropped) > REFUSED:
        raise DataError(
            f"{name}: {_left_out(n_usable, dropped, rows)}; fix them, or go on without them by --allow-drops"
        )


_WAYS = {
    UNMATCHED: "lists of unequal length: `--columns pairing=all` compares each answer with each",
    IMAGES: "only text is read",
}
"""What else can be done about a reason."""


def _left_out(n_usable: int, dropped: Mapping[str, int], rows: Sequence[DroppedRow]) -> str:
    lost = alarming(dropped)
    ways = "; ".join(way for reason, way in _WAYS.items() if reason in lost)
    return (
        f"{lost_told(n_usable, dropped)}: {_reasons(lost)}{_first(rows)}; "
        f"{ways + '; ' if ways else ''}"
        "`offtarget data check DATASET --dropped FILE` lists them"
    )


def _reasons(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{n} {reason}" for reason, n in Counter(counts).most_common())


def _first(rows: Sequence[DroppedRow]) -> str:
    """The first row that was left out for an alarming reason."""
    row = next((r for r in rows if r.reason not in NATURAL), None)
    if row is None:
        return ""
    return f" (the first: {row.where}{', ' + row.detail if row.detail else ''})"


def write_dropped(rows: tuple[DroppedRow, ...], path: Path) -> None:
    """List what was left out: JSON lines, or CSV where the name ends in `.csv`; columns where, reason, detail.

    Raises:
        ConfigError: the name ends otherwise, or the folder is not there.
    """
    kind = path.suffix.lower()
    if kind not in (".jsonl", ".csv"):
        raise ConfigError(f"--dropped {path}: the name must end in .jsonl or .csv")
    if not path.parent.is_dir():
        raise ConfigError(f"--dropped {path}: there is no folder {path.parent}")
    cells = [{"where": r.where, "reason": r.reason, "detail": r.detail} for r in rows]
    if kind == ".jsonl":
        text = "".join(json.dumps(c, ensure_ascii=False) + "\n" for c in cells)
    else:
        buffer = io.StringIO()
        writer = csv.DictWriter(buffer, ["where", "reason", "detail"], lineterminator="\n")
        writer.writeheader()
        writer.writerows(cells)
        text = buffer.getvalue()
    write_atomic(path, text)
