"""What rows are called: the protocol, its strength, and whatever distinguishes a row from its siblings."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from offtarget.board.cell import PLAIN, START, Cell, CellSpec
from offtarget.store import canonical_json, hash_of
from offtarget.verdicts import Verdict


def row_labels(keys: Mapping[str, Sequence[Cell]]) -> dict[str, str]:
    """A short name for each row: the protocol, its strength, and whatever distinguishes it from its siblings.

    What most rows of the board decided is not said row by row (see `usual_verdicts`).
    """
    usual = usual_verdicts(
        [cells[0].spec.verdicts for cells in keys.values() if cells[0].spec.protocol not in {START, PLAIN}]
    )
    siblings: dict[str, list[Cell]] = defaultdict(list)
    for cells in keys.values():
        siblings[cells[0].spec.protocol].append(cells[0])
    labels = {}
    for key, cells in keys.items():
        spec = cells[0].spec
        family = [c.spec for c in siblings[spec.protocol]]
        names = sorted({k for s in family for k in s.parameters})
        varied = [k for k in names if len({canonical_json(s.parameters.get(k)) for s in family}) > 1]
        shown = [k for k in names if k in varied or (k == "strength" and "strength" in spec.parameters)]
        words = [f"{k} {_plain_value(spec.parameters.get(k))}" for k in shown]
        verdicts = [sorted(canonical_json(v.model_dump(mode="json")) for v in s.verdicts) for s in family]
        if len({canonical_json(v) for v in verdicts}) > 1 and _sorted(spec.verdicts) != usual:
            words.append(_decided(spec.verdicts, family))
        if cells[0].elsewhere:
            words.append("trained elsewhere")
        labels[key] = f"{spec.protocol} ({', '.join(words)})" if words else spec.protocol
    return labels


def usual_verdicts(decisions: Sequence[Sequence[Verdict]]) -> tuple[Verdict, ...]:
    """What more than half of some rows decided, two of them at least; empty where they differ more."""
    counts = Counter(short_name(d) for d in decisions)
    name, n = counts.most_common(1)[0] if counts else ("", 0)
    return next(_sorted(d) for d in decisions if short_name(d) == name) if n > 1 and 2 * n > len(decisions) else ()


def _sorted(verdicts: Sequence[Verdict]) -> tuple[Verdict, ...]:
    return tuple(sorted(verdicts, key=lambda v: canonical_json(v.model_dump(mode="json"))))


def _decided(verdicts: Sequence[Verdict], family: Sequence[CellSpec]) -> str:
    """What was decided, in words; a hash where that is long or does not distinguish the row from its siblings."""
    own, others = in_words(verdicts), [s.verdicts for s in family if s.verdicts != verdicts]
    if not verdicts:
        return "no verdicts"
    if len(own) <= 60 and all(in_words(o) != own for o in others):
        return own
    return short_name(verdicts)


def in_words(verdicts: Sequence[Verdict], *, strength: bool = False) -> str:
    """What was decided, in words; with `strength`, also those that are not 1."""
    said = [
        f"{v.decision} {v.concept}"
        + (f" in {v.scope}" if v.scope else "")
        + (f" at {v.strength:g}" if strength and v.strength != 1 else "")
        for v in verdicts
    ]
    return " and ".join(sorted(said))


def short_name(verdicts: Sequence[Verdict]) -> str:
    """What a row's label calls its verdicts where saying them would be long."""
    return f"verdicts {hash_of(sorted(canonical_json(v.model_dump(mode='json')) for v in verdicts))[:6]}"


def _plain_value(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return "none" if value is None else str(value).lower()
    if isinstance(value, int | float):
        return f"{value:g}".replace("-", "−")
    return value if isinstance(value, str) else canonical_json(value)
