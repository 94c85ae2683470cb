"""What changed between two audits of one vocabulary: effects, findings, rows, lenses, warnings."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from offtarget.audit.diff.by_value import by_mix, composition, value_tests
from offtarget.audit.diff.records import Altered, Difference, EffectChange, FamilyChange, FindingChange, RowsChange
from offtarget.audit.diff.test import Comparison, DifferenceTest, detectable
from offtarget.audit.folder import AuditFolder, AuditWithRows
from offtarget.audit.records import CONTEXT_KIND, Q_FINDING, Audit, View
from offtarget.audit.statistics.means import Ints, bh, group_codes, mean_test, t_interval
from offtarget.audit.views.common import MAX_LISTED
from offtarget.audit.workings import Workings
from offtarget.errors import UndecidedError

VIEWS: tuple[View, ...] = ("overall", "global", "local")
"""Views whose hypotheses are compared as they are; the metadata view is compared value by value (`by_value`)."""
_NOT_THE_LENS = {
    "seconds", "timing", "name", "columns", "key", "values_sha256", "variables", "row_level", "cautions",
    "asked", "judged",
}  # fmt: skip
Place = tuple[View, str, str | None]
"""View, concept and context of a hypothesis."""


@dataclass(frozen=True, eq=False)
class _Family:
    """Where the cells of one view are, and what is known of each."""

    places: list[tuple[str | None, Ints]]
    """Context and numbers of the concepts tested there in both audits."""
    pool: tuple[Ints, Ints]
    """Rows that are compared in the old and in the new audit."""


def difference(before: AuditWithRows, after: AuditWithRows) -> Difference:
    """Compare two audits, with the rows behind them.

    Every effect tested in both (same view, concept and context) is tested for change; `statistics.difference`
    states the estimand. Whole families are tested, also where an audit lists its largest |z| alone: among
    effects picked for their size in both, chance opposites would look like changes.

    Raises:
        UndecidedError: if they were made with different vocabularies.
        ConfigError: if the rows behind an audit cannot be read.
    """
    old, new = before.audit, after.audit
    if old.vocabulary != new.vocabulary:
        raise UndecidedError(
            f"the audits have different vocabularies ({old.vocabulary[:12]} and {new.vocabulary[:12]}), so their "
            "effects cannot be compared; audit the new data with the same lenses and --like the old audit"
        )
    a, b = before.workings, after.workings
    at = {c: j for j, c in enumerate(b.concepts)}
    order = np.array([at[c] for c in a.concepts], dtype=np.int64)
    as_read = a.u, b.u[:, order]
    u_old, u_new = a.effects(), b.effects()[:, order]
    codes = group_codes([*a.groups, *b.groups])
    same = same_rows(a, b)
    n_groups = int(codes.max()) + 1
    codes_old, codes_new = codes[: len(a.groups)], codes[len(a.groups) :]
    effects: list[EffectChange] = []
    families: dict[View, FamilyChange] = {}
    tests: dict[Place, float] = {}
    for view in VIEWS:
        family = _family(view, before, after)
        rows_old, rows_new = family.pool
        matched = _renumber(same, rows_old, rows_new, len(u_new))
        sides = (u_old[rows_old], codes_old[rows_old]), (u_new[rows_new], codes_new[rows_new])
        compared = Comparison(*sides, matched, n_groups, as_read=(as_read[0][rows_old], as_read[1][rows_new]))
        results: list[tuple[str | None, Ints, DifferenceTest]] = []
        for context, concepts in family.places:
            inside = _inside(a, context, rows_old), _inside(b, context, rows_new)
            results.append((context, concepts, compared.test(concepts, *inside)))
        found, families[view] = _listed(view, old, new, a.concepts, results)
        effects += found[:MAX_LISTED]
        tests.update({(view, e.concept, e.context): e.q for e in found})
    made_of = composition(old, new)
    if made_of:
        effects = _with_mix(effects, before, after, u_new)
        everywhere = _family("overall", before, after).places
        concepts = everywhere[0][1] if everywhere else np.zeros(0, dtype=np.int64)
        by_value = value_tests(before, after, u_new, (codes_old, codes_new), same, concepts)
        found, families["metadata"] = _listed("metadata", old, new, a.concepts, by_value)
        effects += found[:MAX_LISTED]
    shared = same >= 0
    altered = (as_read[0][shared] != as_read[1][same[shared]]).any(axis=1)
    groups = (set(a.groups), set(b.groups))
    return Difference(
        old=old.key,
        new=new.key,
        vocabulary=old.vocabulary,
        rows=RowsChange(
            old=len(a.pair_ids),
            new=len(b.pair_ids),
            shared=int(shared.sum()),
            altered=int(altered.sum()),
            prompts_old=len(groups[0]),
            prompts_new=len(groups[1]),
            prompts_shared=len(groups[0] & groups[1]),
        ),
        composition=made_of,
        families=families,
        effects=tuple(effects),
        findings=tuple(_findings(before, after, tests)),
        dataset=tuple(_dataset(old, new)),
        lens=tuple(_lens(old, new)),
        warnings_new=tuple(w for w in new.warnings if w not in old.warnings),
        warnings_gone=tuple(w for w in old.warnings if w not in new.warnings),
        notes=tuple(_notes(old, new)),
    )


def read_difference(old: Path, new: Path) -> Difference:
    """`difference` of two audit folders."""
    return difference(AuditFolder(old), AuditFolder(new))


def same_rows(a: Workings, b: Workings) -> Ints:
    """For each row of `a` the number of the row of `b` with its id and prompt, or -1."""
    where = {row: i for i, row in enumerate(zip(b.pair_ids, b.groups, strict=True))}
    return np.array([where.get(row, -1) for row in zip(a.pair_ids, a.groups, strict=True)], dtype=np.int64)


def _renumber(same: Ints, rows_old: Ints, rows_new: Ints, n_new: int) -> Ints:
    """The same pairing among some of the rows."""
    place = np.full(n_new + 1, -1, dtype=np.int64)  # the last one answers for -1
    place[rows_new] = np.arange(len(rows_new))
    return place[same[rows_old]]


def _inside(w: Workings, context: str | None, rows: Ints) -> NDArray[np.bool_] | None:
    return None if context is None else w.inside(context)[rows]


def _family(view: View, before: AuditWithRows, after: AuditWithRows) -> _Family:
    """The cells that both audits tested in a view."""
    a, b = before.workings, after.workings
    old, new = before.audit, after.audit
    rows = (np.arange(len(a.pair_ids)), np.arange(len(b.pair_ids)))
    if view == "overall":
        local = {c.id for c in old.concepts if c.evidence.contrast == "standardised"}
        moved = {w.concepts[j] for w in (a, b) for j in np.flatnonzero((w.u != 0).sum(axis=0))}
        numbers = np.array([j for j, c in enumerate(a.concepts) if c in moved - local], dtype=np.int64)
        return _Family([(None, numbers)] if len(numbers) else [], rows)
    kind = CONTEXT_KIND[view]
    shared = [c.id for c in old.contexts if c.kind == kind and c.id in {x.id for x in new.contexts}]
    tested_old, tested_new = (
        {context: set(names) for context, names in tested_in(x, view).items()} for x in (before, after)
    )
    places: list[tuple[str | None, Ints]] = []
    for context in shared:
        both = tested_old.get(context, set()) & tested_new.get(context, set())
        if both:
            places.append((context, np.array([j for j, c in enumerate(a.concepts) if c in both])))
    if view == "global":
        rows = (_in_any(before, "topic"), _in_any(after, "topic"))
    return _Family(places, rows)


def tested_in(audited: AuditWithRows, view: View) -> dict[str, list[str]]:
    """Concepts tested in each context of a view, in the order of the audit."""
    w = audited.workings
    family = w.families.get(view) or {}
    if not family:
        return {}
    concepts = np.array(w.concepts)
    names = [c.id for c in audited.audit.contexts if c.kind == CONTEXT_KIND[view]]
    return {n: concepts[row].tolist() for n, row in zip(names, family["tested"], strict=True)}


def _in_any(audited: AuditWithRows, kind: str) -> Ints:
    """Rows that lie in some context of a kind."""
    w = audited.workings
    at = [w.context_ids.index(c.id) for c in audited.audit.contexts if c.kind == kind]
    return np.flatnonzero(np.asarray(w.membership[at].sum(axis=0)).ravel() > 0)


def _listed(
    view: View, audit: Audit, new: Audit, names: tuple[str, ...], results: list[tuple[str | None, Ints, DifferenceTest]]
) -> tuple[list[EffectChange], FamilyChange]:
    """The tested effects of a view, the smallest p first, and the counts."""
    known, now = {c.id: c for c in audit.concepts}, {c.id: c for c in new.concepts}
    cells = [
        (context, names[concepts[j]], test, j)
        for context, concepts, test in results
        for j in np.flatnonzero(test.testable)
    ]
    q = bh(np.array([float(test.p[j]) for _, _, test, j in cells]))
    se, df = (np.array([float(getattr(t, name)[j]) for _, _, t, j in cells]) for name in ("se", "df"))
    smallest = detectable(se, df, len(cells))
    found = []
    for (context, concept, test, j), q_of, least in zip(cells, q, smallest, strict=True):
        low, high = t_interval(test.difference[j], test.se[j], test.df[j])
        before, after = known[concept].evidence.means, now[concept].evidence.means
        found.append(
            EffectChange(
                view=view,
                concept=concept,
                label=known[concept].title,
                context=context,
                where=_where(audit, context),
                unit=known[concept].evidence.effect_unit,
                old=float(test.old[j]),
                new=float(test.new[j]),
                difference=float(test.difference[j]),
                ci=(float(low), float(high)),
                d=float(test.d[j]),
                z=float(test.t[j]),
                p=float(test.p[j]),
                q=float(q_of),
                detectable=float(least),
                means=(before, after) if view == "overall" and before is not None and after is not None else None,
            )
        )
    found.sort(key=lambda e: (e.p, -abs(e.z), e.concept, e.context or ""))
    unmoved = sum(int((~test.differs).sum()) for _, _, test in results)
    total = sum(len(concepts) for _, concepts, _ in results)
    left_out = {"no row differs": unmoved, "fewer than 10 rows or prompts could tell": total - unmoved - len(found)}
    counts = FamilyChange(
        tested=len(found),
        changed=int((q < Q_FINDING).sum()),
        left_out={reason: n for reason, n in left_out.items() if n},
    )
    return found, counts


def _with_mix(
    effects: list[EffectChange], old: AuditWithRows, new: AuditWithRows, u_new: NDArray[np.float32]
) -> list[EffectChange]:
    """The same changes; those of the whole set with their parts by metadata."""
    changed = [i for i, e in enumerate(effects) if e.view == "overall" and e.changed]
    at = {c: j for j, c in enumerate(old.workings.concepts)}
    parts = by_mix(old, new, u_new, [at[effects[i].concept] for i in changed])
    out = list(effects)
    for i, part in zip(changed, parts, strict=True):
        out[i] = out[i].model_copy(update={"by_mix": part})
    return out


def _where(audit: Audit, context: str | None) -> str:
    if context is None:
        return "everywhere"
    return next(c.title for c in audit.contexts if c.id == context)


def known_cells(audited: AuditWithRows, views: Sequence[View] = VIEWS) -> dict[Place, tuple[float, float]]:
    """Effect and q of every cell that an audit tested, also of those that it does not list.

    Of the whole set, the unlisted ones are tested again; where rows have stock answers they are left out.
    """
    out: dict[Place, tuple[float, float]] = _unlisted(audited) if "overall" in views else {}
    audit, w = audited.audit, audited.workings
    for view in [v for v in views if v in CONTEXT_KIND]:
        family = w.families.get(view) or {}
        names = [c.id for c in audit.contexts if c.kind == CONTEXT_KIND[view]]
        for k, j in np.argwhere(family["tested"]) if family else ():
            effect, q = float(family["effect"][k, j]), float(family["q"][k, j])
            out[view, w.concepts[j], names[k]] = (effect, q)
    out.update({(h.view, h.concept, h.context): (h.effect, h.q) for h in audit.hypotheses if h.view in views})
    return out


def _unlisted(audited: AuditWithRows) -> dict[Place, tuple[float, float]]:
    """The cells of the overall view beyond those that are listed: their p is by prompt alone, so it is found again.

    None where rows have stock answers: these raise p by more than the workings hold.
    """
    audit, w = audited.audit, audited.workings
    family = audit.families.get("overall")
    if family is None or family.listed == family.tested or audit.stock:
        return {}
    listed = [h for h in audit.hypotheses if h.view == "overall"]
    apart = {h.concept for h in listed} | {c.id for c in audit.concepts if c.evidence.contrast == "standardised"}
    rest = np.array([j for j, c in enumerate(w.concepts) if c not in apart and w.u[:, j].any()], dtype=np.int64)
    test = mean_test(w.effects()[:, rest], group_codes(w.groups))
    q = bh(np.concatenate([[h.p for h in listed], test.p]))[len(listed) :]
    return {("overall", w.concepts[j], None): (float(test.mean[k]), float(q[k])) for k, j in enumerate(rest.tolist())}


def _findings(before: AuditWithRows, after: AuditWithRows, tests: Mapping[Place, float]) -> Iterator[FindingChange]:
    """Findings of one audit alone, or of both with opposite signs; in each view the surest change first."""
    old, new = before.audit, after.audit
    cells_old, cells_new = known_cells(before), known_cells(after)
    labels = {c.id: c for c in (*old.concepts, *new.concepts)}
    where = {c.id: c.title for c in (*new.contexts, *old.contexts)}
    found: list[tuple[float, float, FindingChange]] = []
    for place in cells_old.keys() | cells_new.keys():
        view, concept, context = place
        x, y = cells_old.get(place), cells_new.get(place)
        was, is_ = x is not None and x[1] < Q_FINDING, y is not None and y[1] < Q_FINDING
        what: Literal["appeared", "vanished", "turned"]
        if was and is_ and x is not None and y is not None and x[0] * y[0] < 0:
            what = "turned"
        elif was != is_:
            what = "appeared" if is_ else "vanished"
        else:
            continue
        change = FindingChange(
            what=what,
            view=view,
            concept=concept,
            label=labels[concept].title,
            context=context,
            where="everywhere" if context is None else where[context],
            unit=labels[concept].evidence.effect_unit,
            old=x[0] if x else None,
            new=y[0] if y else None,
            old_q=x[1] if x else None,
            new_q=y[1] if y else None,
            q=tests.get(place),
        )
        found.append((2.0 if change.q is None else change.q, min(v[1] for v in (x, y) if v), change))
    found.sort(key=lambda f: (VIEWS.index(f[2].view), f[0], f[1], f[2].concept, f[2].context or ""))
    yield from (change for _, _, change in found)


def _altered(old: Mapping[str, Any], new: Mapping[str, Any], prefix: str = "") -> Iterator[Altered]:
    for name in dict.fromkeys([*old, *new]):
        if old.get(name) != new.get(name):
            yield Altered(name=prefix + name, old=old.get(name), new=new.get(name))


def _dataset(old: Audit, new: Audit) -> Iterator[Altered]:
    apart = {"n_dropped", "splits"}
    a, b = old.dataset, new.dataset
    yield from _altered(a.model_dump(exclude=apart), b.model_dump(exclude=apart))
    yield from _altered(a.n_dropped, b.n_dropped, "dropped: ")
    yield from _altered(a.splits, b.splits, "split: ")


def _lens(old: Audit, new: Audit) -> Iterator[Altered]:
    """What else is other in lenses of equal identity (fit to the data, options), in the model, and in the seed."""
    before, after = ({str(x["name"]): x for x in audit.lens} for audit in (old, new))
    for name in before:
        sides = [{k: v for k, v in side[name].items() if k not in _NOT_THE_LENS} for side in (before, after)]
        yield from _altered(sides[0], sides[1], f"{name}: ")
    yield from _altered(old.model or {}, new.model or {}, "model: ")
    for key in ("seed", "offtarget_version"):
        yield from _altered({key: getattr(old, key)}, {key: getattr(new, key)})


def _notes(old: Audit, new: Audit) -> Iterator[str]:
    a, b = ({c.id for c in x.contexts if c.kind != "metadata"} for x in (old, new))
    if a ^ b:
        yield (
            f"{len(a - b)} topics and kinds of prompt are in the old audit alone, {len(b - a)} in the new one "
            "alone, and were not compared; audit the new data with --like the old audit to keep them"
        )
    before, after = ({c.name: c.cuts for c in x.metadata} for x in (old, new))
    for name in dict.fromkeys([*before, *after]):
        if name not in before or name not in after:
            which = "old" if name in before else "new"
            yield (
                f"column '{name}' was tested in the {which} audit alone, so nothing is compared by it: audit with --by"
            )
        elif before[name] != after[name]:
            yield f"the bins of column '{name}' differ, so nothing is compared by it: audit with --like the old audit"
