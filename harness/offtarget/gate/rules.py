"""The limits of offtarget.toml: how far a concept may lean over the whole set or in a context, and whether rows can tell."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from offtarget.audit.concepts.metadata import column_of
from offtarget.audit.records import Hypothesis
from offtarget.errors import ConfigError, unknown_name
from offtarget.gate.changes import printed
from offtarget.gate.judge import outcome_of, size
from offtarget.gate.measure import Measured
from offtarget.gate.records import Entry, Outcome, Place, Rule, Severity, Status
from offtarget.gate.sight import smallest_lean
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
        ConfigError: a rule speaks of no effect that is judged, so it would hold nothing to its limit.
    """
    known: dict[str | None, dict[str, tuple[Entry, float]]] = {}
    for view in dict.fromkeys(e.view for e in now.entries):
        at = np.array([k for k, e in enumerate(now.entries) if e.view == view], dtype=np.int64)
        entries = [now.entries[k] for k in at]
        for e, least in zip(entries, smallest_lean(entries, now.sums.take(at)), strict=True):
            known.setdefault(e.context, {})[e.concept] = (e, float(least))
    for number, (rule, concepts) in enumerate(zip(rules, meant, strict=True), 1):
        tested = known.get(rule.context, {})
        if not any(name in tested for name in concepts):
            raise _nothing_judged(f"rule {number} in {where}: {rule.concept}", rule, known)
        for name in concepts:
            if name in tested:  # response clusters are of the local view alone
                e, least = tested[name]
                status, severity, text = _judged(e, rule, least)
                yield outcome_of(e, "rule", status, severity, text, hypotheses.get(e.place), rule=number)


def _nothing_judged(what: str, rule: Rule, known: Mapping[str | None, object]) -> ConfigError:
    """Why a rule would hold nothing to its limit, and what to do."""
    if rule.context is None:
        remedy = "it is of prompt groups alone, so take the rule out" if None in known else "add 'overall' to views"
        return ConfigError(f"{what} is not over the whole set; {remedy}")
    if rule.context in known:
        return ConfigError(f"{what} is not tested in {rule.context}; take the rule out")
    column = column_of(rule.context)
    names = [name for name in known if name is not None and bool(column_of(name)) == bool(column)]
    if names:
        return unknown_name("context", rule.context, names, hint=f"({what})")
    if column:
        return ConfigError(
            f"{what}: {rule.context} is not judged; add 'metadata' to views under [gate], audit the accepted data with "
            f"--by {column}, and write the baseline from that audit: `offtarget gate AUDIT_DIR --update-baseline`"
        )
    return ConfigError(
        f"{what}: {rule.context} is not judged; add its view to views: 'global' (topics) or 'local' (prompts)"
    )


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
