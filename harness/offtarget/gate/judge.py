"""What each finding is: allowed, new, grown, gone; by a person's decision where there is one, else by the baseline."""

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from offtarget.audit.diff.sums import WRITTEN, cohen_d
from offtarget.audit.records import Hypothesis
from offtarget.audit.statistics.inside import MIN_ACTIVE
from offtarget.gate.changes import beyond_chance, from_seen, large
from offtarget.gate.measure import Measured, is_finding
from offtarget.gate.records import Baseline, Change, Entry, Outcome, Place, Settings, Severity, Status
from offtarget.gate.sight import shown_gone
from offtarget.report.amounts import in_means, in_unit, parts, small
from offtarget.verdicts import Verdict, Verdicts, decided

SUPPRESS = (
    "`offtarget plan AUDIT_DIR --verdicts FILE --protocol filter` takes it out; where training does that by a plan, set "
    'suppressed = "pass" under [gate] in offtarget.toml'
)
"""What to do about a finding that somebody decided to suppress."""


@dataclass(frozen=True, eq=False)
class Case:
    """All that a judgement rests on."""

    now: Measured
    settings: Settings
    hypotheses: Mapping[Place, Hypothesis]
    """Those that the audit lists."""
    baseline: Baseline | None = None
    changes: Mapping[Place, Change] = field(default_factory=dict)
    """Beside the baseline."""
    verdicts: Verdicts | None = None
    today: dt.date = field(default_factory=lambda: dt.datetime.now(dt.UTC).date())
    pass_on_stale: bool = False


@dataclass(frozen=True)
class _Said:
    status: Status
    severity: Severity
    message: str
    change: Change | None = None


def judge(case: Case) -> Iterator[Outcome]:
    """One outcome for each finding, and for what was one: by the verdicts, and where they say nothing by the baseline."""
    was = {e.place: e for e in case.baseline.entries} if case.baseline else {}
    said = decided(case.verdicts) if case.verdicts else ()
    verdicts = {(v.concept, v.scope): v for v in said}
    seen = changes_since_seen(case, verdicts)
    decided_here = sum((e.concept, e.context) in verdicts for e in case.now.entries)
    for e in case.now.entries:
        verdict = verdicts.get((e.concept, e.context)) or verdicts.get((e.concept, None))
        own = verdict is not None and verdict.scope == e.context
        if verdict is not None and (own or not _of_the_other_side(e, verdict)):
            found = _decided(e, verdict, seen.get(e.place), case, decided_here) if own else _covered(e, verdict, case)
            if found is not None:
                yield _outcome(e, "verdicts", found, case)
        elif case.baseline is not None:
            compared = _compared(e, was.get(e.place), case.changes.get(e.place), case)
            if compared is not None:
                yield _outcome(e, "baseline", compared, case)
        elif case.verdicts is not None and is_finding(e):
            text = f"{size(e)}, and nobody decided on it"
            yield _outcome(e, "verdicts", _Said("undecided", case.settings.undecided, text), case)


def changes_since_seen(case: Case, verdicts: Mapping[tuple[str, str | None], Verdict]) -> dict[Place, Change]:
    """How far each decided effect is from what its decider saw; by the baseline's own test where that is what was seen.

    What was seen in another unit than the effect has now cannot be compared, and is left out.
    """
    seen = {}
    exact = {}
    for e in case.now.entries:
        v = verdicts.get((e.concept, e.context))
        if v is None or v.seen is None or v.seen.unit not in ("", e.unit):
            continue
        if case.baseline and v.seen.audit == case.baseline.audit and e.place in case.changes:
            exact[e.place] = case.changes[e.place]
        else:
            seen[e.place] = v.seen
    return from_seen(seen, case.now) | exact


def _of_the_other_side(e: Entry, v: Verdict) -> bool:
    """Whether a decision to suppress a lean to one side meets one to the other: that is not what was decided on."""
    return v.decision == "suppress" and v.seen is not None and _is_side(v) and v.seen.effect * e.effect < 0


def _is_side(v: Verdict) -> bool:
    """Whether what was seen leant to one side beyond chance."""
    return v.seen is not None and v.seen.ci[0] * v.seen.ci[1] > 0


def _decided(e: Entry, v: Verdict, change: Change | None, case: Case, tests: int) -> _Said:
    """What a decision says of the effect that it is on.

    An allowance has a ceiling: what was seen. A decision to amplify has a floor instead, since whoever amplifies a concept
    wants more of it: a rise passes and a fall fails. A lean that turned to the other side fails by all. Each is a
    significant change of at least the minimum of the settings. What is no finding is gone only where the rows show that: few
    rows show little of anything.
    """
    if not is_finding(e):
        return _not_found(e, v, change, case, tests)
    if (at_once := _expired(e, v, case, change)) is not None:
        return at_once
    changed = change if change is not None and beyond_chance(change, e.unit, case.settings) else None
    what, tested = _what(e, v), "" if changed is None else changed_by(changed, e.unit)
    if changed is not None and changed.old * e.effect < 0 and _is_side(v):
        return _Said("turned", "error", f"{size(e)}; {what}: turned, {tested}", changed)
    if v.decision == "suppress":
        if _of_the_other_side(e, v):
            return _Said("turned", "error", f"{size(e)}; {what}: turned", change)
        return _suppressed(e, v, case, change)
    amplify = v.decision == "amplify"
    if changed is not None:
        if changed.old * e.effect < 0 or abs(e.effect) > abs(changed.old):
            if not amplify:
                return _Said("allowed-but-beyond", "error", f"{size(e)}; {what}: {tested}", changed)
        elif amplify:
            return _Said("amplified-but-less", "error", f"{size(e)}; {what}: fell, {tested}", changed)
    return _Said("amplified" if amplify else "allowed", "pass", f"{size(e)}; {what}", change)


def _not_found(e: Entry, v: Verdict, change: Change | None, case: Case, tests: int) -> _Said:
    """What a decision says of an effect that is no finding: that it fell, that it is gone, or nothing against it."""
    what = _what(e, v)
    if v.decision == "suppress" or (v.until is not None and v.until < case.today):
        return _Said("no-finding", "pass", f"{size(e)} and no finding; {what}", change)
    changed = change if change is not None and beyond_chance(change, e.unit, case.settings) else None
    fallen = changed is not None and changed.old * changed.difference < 0
    if fallen and changed is not None and v.decision == "amplify":
        text = f"{size(e)} and no finding; {what}: fell, {changed_by(changed, e.unit)}"
        return _Said("amplified-but-less", "error", text, changed)
    if fallen or _absent(e, v, case.settings, tests):
        text = f"{size(e)} and no finding: what was {what} is no longer there; take the verdict out"
        return _Said("stale", "pass" if case.pass_on_stale else "error", text, change)
    return _Said("no-finding", "pass", f"{size(e)} and no finding; {what}: no change beyond chance", change)


def _covered(e: Entry, v: Verdict, case: Case) -> _Said | None:
    """What a decision on a concept everywhere says of it in a context."""
    if not is_finding(e):
        return None
    if (at_once := _expired(e, v, case, None)) is not None:
        return at_once
    if v.decision == "suppress":
        return _suppressed(e, v, case, None)
    return _Said("amplified" if v.decision == "amplify" else "allowed", "pass", f"{size(e)}; {_what(e, v)}")


def _expired(e: Entry, v: Verdict, case: Case, change: Change | None) -> _Said | None:
    if v.until is None or v.until >= case.today:
        return None
    return _Said("expired", "error", f"{size(e)}; the decision by {v.decider()} held until {v.until}", change)


def _suppressed(e: Entry, v: Verdict, case: Case, change: Change | None) -> _Said:
    text = f"{size(e)}; decided to suppress by {v.decider()}, and the data still teaches it"
    if case.settings.suppressed != "pass":
        text += f"; {SUPPRESS}"
    return _Said("suppressed", case.settings.suppressed, text, change)


def _what(e: Entry, v: Verdict) -> str:
    """`allowed by ann at +4.0 points`."""
    at = "" if v.seen is None else f" at {in_unit(v.seen.effect, e.unit)}"
    return f"{'allowed' if v.decision == 'allow' else f'decided to {v.decision}'} by {v.decider()}{at}"


def _absent(e: Entry, v: Verdict, settings: Settings, tests: int) -> bool:
    """Whether these rows alone show that an effect is not there: that it is no finding may be chance."""
    if shown_gone(e, v.seen, settings, tests):
        return True
    enough = e.showing >= MIN_ACTIVE
    return v.seen is None and enough and not any(_matters(x, e, settings) for x in e.ci)


def _matters(value: float, e: Entry, settings: Settings) -> bool:
    """Whether an effect is as large as a change must be."""
    sd = (e.squares / max(e.n + e.n_outside - 1, 1)) ** 0.5
    value = 0.0 if abs(value) <= WRITTEN * abs(e.effect) else value
    return large(value, float(cohen_d(np.float64(value), np.float64(sd))), e.unit, settings)


def _compared(e: Entry, was: Entry | None, change: Change | None, case: Case) -> _Said | None:
    finding, before = is_finding(e), was is not None and is_finding(was)
    if was is None or change is None:
        if not finding:
            return None
        if before and was is not None:
            return _Said("same", "pass", f"{size(e)}; {_before(was, was.effect, e.unit)}")
        why = "the baseline does not have it" if was is None else "too few rows show it to compare it with the baseline"
        text = f"{size(e)}; {why}"
        if not _matters(e.effect - (was.effect if was else 0.0), e, case.settings):
            return _Said("same", "pass", f"{text}, and less of it than matters")
        return _Said("new", "error", text)
    if not beyond_chance(change, e.unit, case.settings):
        if finding and before:
            return _Said("same", "pass", f"{size(e)}; {_before(was, change.old, e.unit)}", change)
        if finding:
            text = f"{size(e)}; {_before(was, change.old, e.unit)}, where it was no finding: no change beyond chance"
            return _Said("same", "pass", text, change)
        return None
    text = f"{size(e)}; {_before(was, change.old, e.unit)}: {changed_by(change, e.unit)}"
    more = abs(e.effect) > abs(change.old)
    if finding and before and change.old * e.effect < 0:
        text = f"{size(e)}; {_before(was, change.old, e.unit)}: turned, {changed_by(change, e.unit)}"
        return _Said("turned", "error", text, change)
    if finding and (more or change.old * e.effect < 0):
        return _Said("grown" if before else "new", "error", text, change)
    if not finding:
        return _Said("gone" if before else "moved", "warn", text, change)
    return _Said("shrunk", "warn", text, change)


def changed_by(change: Change, unit: str) -> str:
    """`changed by +11.9 points [+10.2, +13.6], q 7.8e-43`."""
    low, high = (parts(x, unit)[0] for x in change.ci)
    return f"changed by {in_unit(change.difference, unit)} [{low}, {high}], q {small(change.q)}"


def size(e: Entry) -> str:
    """`+4.8 points to chosen (q 2e-09)`, in a context `against elsewhere`.

    Of lengths and counts: `0.10 against 0.060 per response, ×1.67 (+0.026 log(1+n) to chosen, q 2e-09)`.
    """
    side = "chosen" if e.effect >= 0 else "rejected"
    where = "" if e.context is None else f" in {e.where}, against elsewhere"
    text, about = f"{in_unit(e.effect, e.unit)} to {side}{where}", [f"q {small(e.q)}"] if is_finding(e) else []
    if e.rates:
        text, about = in_means(e.rates), [text, *about]
    return text + (f" ({', '.join(about)})" if about else "")


def _before(was: Entry | None, effect: float, unit: str) -> str:
    """`+4.8 points in the baseline`, `0.10 against 0.060 per response, ×1.67 (+0.026 log(1+n)) in the baseline`."""
    rates = was.rates if was is not None else None
    text = in_unit(effect, unit)
    return f"{in_means(rates)} ({text}) in the baseline" if rates else f"{text} in the baseline"


def _outcome(e: Entry, by: Any, said: _Said, case: Case) -> Outcome:
    h = case.hypotheses.get(e.place)
    return outcome_of(e, by, said.status, said.severity, said.message, h, change=said.change)


def outcome_of(
    e: Entry,
    by: Any,
    status: Status,
    severity: Severity,
    message: str,
    hypothesis: Hypothesis | None,
    *,
    change: Change | None = None,
    rule: int | None = None,
) -> Outcome:
    """The record of one judgement."""
    name = e.concept if e.context is None else f"{e.concept}@{e.context}"
    return Outcome(
        id=f"{e.view}:{name}" if rule is None else f"rule {rule}:{name}",
        by=by,
        status=status,
        severity=severity,
        view=e.view,
        concept=e.concept,
        label=e.label,
        context=e.context,
        where=e.where,
        unit=e.unit,
        effect=e.effect,
        ci=e.ci,
        q=e.q,
        n=e.n,
        message=" ".join(message.replace("\u202f", " ").replace("−", "-").split()),
        change=change,
        rule=rule,
        rows=hypothesis.rows if hypothesis else (),
    )
