"""The limits of offtarget.toml: how far a concept may lean over the whole set or in a context, and whether rows can tell."""

import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from offtarget.audit.concepts.metadata import column_of
from offtarget.audit.evidence import LOG
from offtarget.audit.records import Hypothesis
from offtarget.errors import ConfigError, unknown_name
from offtarget.gate.changes import more, more_for, printed
from offtarget.gate.judge import outcome_of, size
from offtarget.gate.measure import Measured
from offtarget.gate.records import Entry, Outcome, Place, Rule, Severity, Status
from offtarget.gate.sight import smallest_lean
from offtarget.report.amounts import parts

MOST = 1000.0
"""Per cent; what is larger is no size that a limit has."""


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
        if rule.context is not None:  # there is no mean of a length or a count there, which a limit could be on
            if rule.concept in tested and tested[rule.concept][0].unit == LOG:
                raise ConfigError(
                    f"rule {number} in {where}: {rule.concept} is a length or a count, and a limit on its means is over the "
                    "whole set alone; take `context` out"
                )
            tested = {name: x for name, x in tested.items() if x[0].unit != LOG}
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
    """What a rule says of an effect, in the unit of its limit."""
    if e.rates is not None:  # a length or a count: the limit is on the two means that people read
        unit, effect, visible = "%", more(e.rates), more_for(least, e.rates)
        more_in = f"{abs(effect):.0f} % more in {'chosen' if effect >= 0 else 'rejected'}"
        said = f"{size(e)}: {more_in if math.isfinite(effect) else 'all of it on one side'}"
    else:
        unit, effect, visible = parts(e.effect, e.unit)[1], printed(e.effect, e.unit), abs(printed(least, e.unit))
        said = size(e)
    limit = f"the limit is {rule.max_effect:g} {unit}" + (f" to {rule.direction}" if rule.direction else "")
    wrong = rule.direction is None or (effect > 0) == (rule.direction == "chosen")
    if e.n < rule.min_rows:
        return "blind", "undecided", f"{e.n} pairs, and the rule needs {rule.min_rows}"
    if wrong and abs(effect) > rule.max_effect and e.q < rule.q:
        return "over", rule.severity, f"{said}; {limit}"
    if visible > rule.max_effect:
        about = f"about {visible:.0f} %" if visible < MOST else f"over {MOST:,.0f} %"
        shown = {"points": f"{visible:.1f} points", "%": about}.get(unit, f"{visible:.3g} {unit}")
        return "blind", "undecided", f"{e.n} pairs show a lean of {shown} or more, and {limit}"
    return "within", "pass", f"{said}; {limit}"
