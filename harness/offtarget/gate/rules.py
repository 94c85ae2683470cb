"""The limits of offtarget.toml: how far a concept may lean over the whole set, and whether these rows can tell."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from offtarget.audit.records import Hypothesis
from offtarget.errors import ConfigError
from offtarget.gate.changes import printed, smallest_lean
from offtarget.gate.judge import outcome_of, size
from offtarget.gate.measure import Measured
from offtarget.gate.records import Entry, Outcome, Place, Rule, Severity, Status
from offtarget.report.amounts import parts


def judge_rules(
    rules: Sequence[Rule],
    meant: Sequence[Sequence[str]],
    now: Measured,
    hypotheses: Mapping[Place, Hypothesis],
    where: str = "offtarget.toml",
) -> Iterator[Outcome]:
    """One outcome for each rule and concept.

    Args:
        rules: they.
        meant: the concepts that each speaks of.
        now: the effects of the audit.
        hypotheses: those that it lists.
        where: the file of the rules, for the message.

    Raises:
        ConfigError: a rule speaks of no effect over the whole set that is judged, so it would hold nothing to its limit.
    """
    whole = np.array([k for k, e in enumerate(now.entries) if e.view == "overall"], dtype=np.int64)
    entries = [now.entries[k] for k in whole]
    least = dict(zip((e.concept for e in entries), smallest_lean(entries, now.sums.take(whole)), strict=True))
    known = {e.concept: e for e in entries}
    for number, (rule, concepts) in enumerate(zip(rules, meant, strict=True), 1):
        if not any(name in known for name in concepts):
            what = f"rule {number} in {where}: {rule.concept} is not over the whole set"
            remedy = "it is of prompt groups alone, so take the rule out" if known else "add 'overall' to views"
            raise ConfigError(f"{what}; {remedy}")
        for name in concepts:
            if name in known:  # response clusters are of the local view alone
                e = known[name]
                status, severity, text = _judged(e, rule, float(least[name]))
                yield outcome_of(e, "rule", status, severity, text, hypotheses.get(e.place), rule=number)


def _judged(e: Entry, rule: Rule, least: float) -> tuple[Status, Severity, str]:
    unit = parts(e.effect, e.unit)[1]
    effect, limit = printed(e.effect, e.unit), f"{rule.max_effect:g} {unit}"
    side = f" to {rule.direction}" if rule.direction else ""
    wrong = rule.direction is None or (effect > 0) == (rule.direction == "chosen")
    if e.n < rule.min_rows:
        return "blind", "undecided", f"{e.n} pairs, and the rule needs {rule.min_rows}"
    if wrong and abs(effect) > rule.max_effect and e.q < rule.q:
        return "over", rule.severity, f"{size(e)}; the limit is {limit}{side}"
    visible = abs(printed(least, e.unit))
    if visible > rule.max_effect:
        shown = f"{visible:.1f} {unit}" if unit in ("points", "%") else f"{visible:.3g} {unit}"
        return "blind", "undecided", f"{e.n} pairs show a lean of {shown} or more, and the limit is {limit}{side}"
    return "within", "pass", f"{size(e)}; the limit is {limit}{side}"
