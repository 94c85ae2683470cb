"""What an audit says, in sentences: each is on numbers of the record, and is true of the rows it counts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from offtarget.audit.cautions import MUCH_STOCK
from offtarget.audit.evidence import Concept
from offtarget.audit.records import Q_FINDING, Audit, DatasetInfo, Hypothesis
from offtarget.audit.statistics.length import EXTENT, IS_LENGTH
from offtarget.audit.stock_records import StockTexts
from offtarget.lens.directions import encode as direction
from offtarget.report.amounts import amount, effect_size, few, ratio, shift
from offtarget.report.html import fixed, number, p_value, percent
from offtarget.report.statements import FORM, LENGTH, EqualLength, Stated, Statement, speaks, state

STATEMENTS = 8
"""In the head of a report, at most."""
ALL = 0.9995
"""Share of rows from which on a lens has read them all, to a tenth of a per cent."""
NAMED = 5
"""Names of what correlates with a statement."""
NOUNS = {
    "overall": "concepts lean over the whole set",
    "global": "leans are particular to a topic",
    "local": "leans are particular to a kind of prompt",
    "metadata": "leans are particular to a value of metadata",
}


@dataclass(frozen=True)
class Sentence:
    """One line of the head, with the side it speaks for: up (more in chosen), down or plain."""

    side: str
    text: str
    along: str = ""
    """What goes with it."""
    sizes: str = ""
    """The raw effect and that at equal length, side by side."""
    fades: bool = False
    """Whether the effect is not significant, or turns round, at equal length."""


def glance(audit: Audit, stated: Stated | None = None, most: int = STATEMENTS) -> list[Sentence]:
    """The head of a report: at most eight statements of named concepts, and a line on those without a name.

    What texts that answer many prompts bring comes first (`stock_sentence`). Length is one of the statements. It wears
    an arrow only where it is a finding that shares of rows agree with.

    Args:
        audit: the record.
        stated: its findings put together, where that is known.
        most: how many statements.
    """
    stated = stated or state(audit)
    concepts = {c.id: c for c in audit.concepts}
    stock = stock_sentence(audit, concepts)
    shown = shown_of(stated, most - (stock is not None))
    out = [] if stock is None else [stock]
    out += [length_sentence(audit, s, concepts) if s.is_length else _sentence(s, stated, concepts) for s in shown]
    if stated.length is None:
        out.append(length_sentence(audit, None, concepts))
    rest = unnamed_line(stated, shown)
    return [*out, Sentence("plain", rest)] if rest else out


def shown_of(stated: Stated, most: int = STATEMENTS) -> list[Statement]:
    """The statements that a head shows: the first, and length in any case."""
    shown = list(stated.statements[:most])
    if stated.length not in shown:
        shown = shown[: most - 1] + ([stated.length] if stated.length else [])
    return shown


def _sentence(s: Statement, stated: Stated, concepts: Mapping[str, Concept]) -> Sentence:
    h = s.lead
    equal = stated.equal.get(h.concept)
    fades = equal is not None and (equal.significant is False or equal.share < 0)
    return Sentence(
        "up" if h.direction == "chosen" else "down",
        claim(h, concepts[h.concept]),
        together(s, concepts),
        sizes(h, equal),
        fades,
    )


def sizes(h: Hypothesis, equal: EqualLength | None) -> str:
    """D over all rows and at equal length, side by side."""
    raw = f"d {effect_size(h.d)}"
    if equal is None:
        return raw
    if abs(h.d) >= 100:
        return f"{raw}, at equal length {percent(equal.share, 0)} of it"
    text = f"{raw}, at equal length {fixed(h.d * equal.share, 2, sign=True)}"
    if equal.share < 0 and equal.significant:
        return f"{text}: it turns round"
    return text + (" (not significant)" if equal.significant is False else "")


def together(s: Statement, concepts: Mapping[str, Concept]) -> str:
    """What goes with a statement, in one or two sentences."""
    same = [concepts[h.concept] for h in s.along if h.direction == s.lead.direction]
    other = [concepts[h.concept] for h in s.along if h.direction != s.lead.direction]
    parts = []
    if s.due_to is not None:
        parts.append(f"Goes with: {brief(concepts[s.due_to.concept].title)}")
    if same:
        parts.append(f"With it: {listed(same)}")
    if other:
        parts.append(f"The other way: {listed(other)}")
    if s.unnamed:
        parts.append(f"{s.unnamed:,} {'concept' if s.unnamed == 1 else 'concepts'} of latents along with it")
    if s.explained:
        parts.append(f"Not significant at equal length: {listed([concepts[h.concept] for h in s.explained])}")
    return " ".join(f"{part}." for part in parts)


def listed(concepts: Sequence[Concept], most: int = NAMED) -> str:
    """Names in a row, the first few of many."""
    names = [brief(c.title) for c in concepts]
    if len(names) > most + 1:
        names = [*names[:most], f"{len(names) - most} more"]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def length_sentence(audit: Audit, s: Statement | None, concepts: Mapping[str, Concept]) -> Sentence:
    """How much longer chosen is; an arrow only where that is a finding, and means and counts of rows agree."""
    text = lengths(audit.dataset)
    if s is None:
        return Sentence("plain", f"{text} ({_no_lean_in_length(audit)}).")
    d = audit.dataset
    up = s.lead.direction == "chosen"
    agree = (d.chosen_longer > d.chosen_shorter) == up
    middle = d.median_characters[0] - d.median_characters[1]
    side = ("up" if up else "down") if agree else "plain"
    if not agree:
        text += f": more often {'shorter' if up else 'longer'}, but {'longer' if up else 'shorter'} on average"
    elif middle and (middle > 0) != up:
        text += f": {'longer' if up else 'shorter'} in most rows and on average, though not by the medians"
    return Sentence(side, f"{text}.", together(s, concepts), sizes(s.lead, None))


def _no_lean_in_length(audit: Audit) -> str:
    """Why no lean in length is stated."""
    if not any(c.id == LENGTH for c in audit.concepts):
        return "not tested: no lens here measures length"
    tested = (h for h in audit.hypotheses if h.concept == LENGTH and h.view == "overall")
    of = next(tested, None)
    if of is not None and of.rests_on_stock:
        if _holds_elsewhere(of):
            return f"cannot tell: too unsure in the rows without {_these(audit.stock)}"
        return f"cannot tell: it rests on {_these(audit.stock)}"
    measured = any(
        h.view == "overall" and h.finding and (h.length_note == IS_LENGTH or h.concept in EXTENT)
        for h in audit.hypotheses
    )
    d = audit.dataset
    if d.longer_p is not None and d.longer_p < Q_FINDING:
        more = "longer" if d.chosen_longer > d.chosen_shorter else "shorter"
        return (
            f"{more} more often than by chance, p {p_value(d.longer_p)}; no lean in the mean of log(1+n), on which a few very "
            "unlike answers weigh most"
        )
    return "no lean in characters was found" if measured else "no lean in length was found"


def stock_sentence(audit: Audit, concepts: Mapping[str, Concept]) -> Sentence | None:
    """What texts that answer many prompts do, as the fact of the rows that it is, and what rests on them.

    None where no lean rests on them and they make less than a tenth of either side.
    """
    resting = [h for h in audit.hypotheses if h.view == "overall" and h.rests_on_stock]
    told = [s for s in _distinct(audit.stock) if resting or max(s.chosen_rate, s.rejected_rate) >= MUCH_STOCK]
    if not told:
        return None
    text = _capital("; ".join(map(_stock_clause, told))) + "."
    more = sum(s.chosen_rate - s.rejected_rate for s in told)
    one = sum(s.n_texts for s in told) == 1
    brought = [h for h in resting if not _holds_elsewhere(h)]
    if brought:
        text += f" What rests on {'this one text' if one else 'these texts'} cannot be told apart as a habit."
    side = "plain" if not brought else "up" if more > 0 else "down"
    return Sentence(side, text, _brought(resting, concepts, one=one))


def nothing_leans(audit: Audit) -> str:
    """What is to be said of the whole set where nothing is a finding."""
    if any(h.rests_on_stock for h in audit.hypotheses):
        return (
            f"apart from what rests on {_these(audit.stock)} nothing was found to lean at q < 0.05 over the whole set"
        )
    return "nothing leans at q < 0.05 over the whole set"


def _stock_clause(found: StockTexts) -> str:
    """The stock answers of a side, and how much of either they make."""
    shown = ", ".join(f"“{t}”" for t in found.texts)
    rates = {"chosen": found.chosen_rate, "rejected": found.rejected_rate}
    other = "rejected" if found.side == "chosen" else "chosen"
    what, verb = f"one text, {shown},", "makes"
    if found.n_texts > 1:
        what, verb = (f"{found.n_texts} texts ({shown}{', ...' if found.n_texts > len(found.texts) else ''})", "make")
    return f"{what} {verb} {percent(rates[found.side])} of {found.side} and {percent(rates[other])} of {other} answers"


def _holds_elsewhere(h: Hypothesis) -> bool:
    """Whether half of an effect is there in the rows without the stock answers, though too unsure to be a finding."""
    left = h.on_stock.effect_without if h.on_stock is not None else None
    return left is not None and left / h.effect >= 0.5


def _brought(resting: Sequence[Hypothesis], concepts: Mapping[str, Concept], *, one: bool) -> str:
    """What leans over all rows and not beside the stock answers, what is said by an answer before what it is made of."""
    named = [h for h in resting if speaks(concepts[h.concept])]
    named.sort(key=lambda h: (h.concept in FORM, -abs(h.d), h.id))
    parts = []
    if first := [h for h in named if not _holds_elsewhere(h)]:
        parts.append(claim(first[0], concepts[first[0].concept]).rstrip("."))
        if first[1:]:
            parts.append(f"With it: {listed([concepts[h.concept] for h in first[1:]])}")
    if unsure := [h for h in named if _holds_elsewhere(h)]:
        rows = f"rows without {'it' if one else 'them'}"
        parts.append(f"Too unsure in the {rows}: {listed([concepts[h.concept] for h in unsure])}")
    if n := len(resting) - len(named):
        parts.append(
            f"{n:,} {'concept' if n == 1 else 'concepts'} of latents rest{'s' if n == 1 else ''} on {'it' if one else 'them'} too"
        )
    return " ".join(f"{part}." for part in parts)


def _distinct(stock: Sequence[StockTexts]) -> list[StockTexts]:
    """The stock answers by side, once where both sides have the same ones."""
    return [s for k, s in enumerate(stock) if not any(set(s.texts) == set(x.texts) for x in stock[:k])]


def _these(stock: Sequence[StockTexts]) -> str:
    told = _distinct(stock)
    if len(told) > 1:
        return "the texts named above"
    return "one text" if told[0].n_texts == 1 else f"{told[0].n_texts} texts"


def lengths(d: DatasetInfo) -> str:
    """Counts of rows and medians of length."""
    equal = max(0.0, 1 - d.chosen_longer - d.chosen_shorter)
    chosen, rejected = d.median_characters
    text = (
        f"Length: chosen is longer in {percent(d.chosen_longer)} of rows, shorter in {percent(d.chosen_shorter)}, "
        f"equal in {percent(equal)}; median {number(round(chosen))} characters against {number(round(rejected))}"
    )
    text += _ratio(chosen, rejected)
    stand = d.median_as_they_stand
    if stand is not None and [round(x) for x in stand] != [round(x) for x in d.median_characters]:
        text += (
            f"; with repeated prompts and debris left in, {number(round(stand[0]))} against {number(round(stand[1]))}"
        )
    return text


def _ratio(chosen: float, rejected: float) -> str:
    """How much longer the chosen median is, in parentheses; empty where it is not, or nothing can be divided by."""
    if rejected <= 0 or chosen <= 0:
        return ""
    ratio = chosen / rejected
    if ratio >= 1.5:
        return f" ({fixed(ratio, 1)} times)"
    change = fixed(100 * (ratio - 1), 0, sign=True)
    return "" if change == "0" else f" ({change}\u202f%)"


def unnamed_line(stated: Stated, shown: Sequence[Statement]) -> str:
    """How many concepts without a name lean, and how many as strongly as the least of the statements; empty for none."""
    total = len(stated.unnamed)
    if not total:
        return ""
    if not shown:
        return f"{_concepts(total)} without a name (q < 0.05): see the evidence."
    least = min(s.size for s in shown)
    n = sum(abs(h.d) >= least for h in stated.unnamed)
    if not n:
        return f"{_concepts(total)} without a name, less than the statements above: see the evidence."
    more = f"; {total - n:,} more {'leans' if total - n == 1 else 'lean'} less" if total > n else ""
    return f"{_concepts(n)} without a name, as strongly as the statements above: see the evidence{more}."


def _concepts(n: int) -> str:
    return f"{n:,} {'concept leans' if n == 1 else 'concepts lean'}"


def truth_line(audit: Audit) -> str:
    """On a set of known truth: how many of the planted concepts were found, which not, and whether nulls were reported."""
    truth = audit.truth
    if truth is None:
        return ""
    concepts = {c.id: c for c in audit.concepts}
    lead = {h.id: concepts[h.concept] for h in audit.hypotheses}
    parts = []
    if truth.planted:
        found = truth.found
        unnamed = [p.label for p in found if not lead[p.found_by or ""].named]
        text = f"{len(truth.planted)} concepts were planted, {len(found)} found"
        if unnamed:
            text += (
                f" ({len(unnamed)} of them by concepts without a name alone: {', '.join(f'“{m}”' for m in unnamed)})"
            )
        missed = [p.label for p in truth.planted if p.found_by is None]
        parts.append(text + (f"; not found: {', '.join(f'“{m}”' for m in missed)}." if missed else "."))
    if truth.nulls:
        reported = [p.label for p in truth.reported]
        n = len(truth.nulls)
        what = f"Of {n} null{'s' if n != 1 else ''}, put into both sides equally often,"
        parts.append(
            f"{what} {len(reported)} reported: {', '.join(reported)}." if reported else f"{what} none was reported."
        )
    return f"Known truth: {' '.join(parts)}"


def counts(audit: Audit) -> list[tuple[str, str]]:
    """How many hypotheses of each view are findings, how many noise would give, and whether that makes them unreliable."""
    out = []
    for view, family in audit.families.items():
        if family.tested:
            text = f"{family.findings:,} of {family.tested:,} tested {NOUNS[view]} (q < 0.05)"
            resting = sum(h.rests_on_stock for h in audit.hypotheses if h.view == view)
            if resting:
                text += f", {resting:,} more {'rests' if resting == 1 else 'rest'} on {_these(audit.stock)}"
            null = family.shuffled
            noise = ""
            if null is not None:
                what = "shuffled labels" if null.kind == "labels" else "rows dealt out at random"
                noise = f"with {what}: {null.mean_findings:.2g} on average"
            if family.unreliable and null is not None:
                noise += f", something in {percent(null.any_finding, 0)} of draws: unreliable"
            out.append((text, noise))
    return out


def claim(h: Hypothesis, c: Concept, rule: Concept | None = None) -> str:
    """A hypothesis as a sentence about two numbers.

    Args:
        h: the hypothesis.
        c: its concept.
        rule: that the concept is named after; its rates are given instead of the latents' own.
    """
    e = c.evidence
    if h.outside_mean is not None:
        inside, outside = shift(h.inside_mean, e), shift(h.outside_mean, e)
        return f"{subject(c)}: chosen has {inside} here, {outside} in the other rows."
    if rule is not None and e.correlate is not None:
        return f"{rates(rule, h)} Latents that read alike lean with it (r {fixed(e.correlate.r, sign=True)})."
    return rates(c, h)


def subject(c: Concept) -> str:
    """What a sentence calls a concept: latents stay latents, whatever rule they go with."""
    what = "Latents that " if c.name == "rule" and c.title == c.label else ""
    return _capital(f"{what}{c.title}")


def rates(c: Concept, h: Hypothesis) -> str:
    """How much of a concept chosen and rejected have."""
    e = c.evidence
    some = f" (of the {percent(e.read)} of rows that were read)" if e.read < ALL else ""
    if e.contrast in ("presence", "cluster", "standardised"):
        verb = "in" if c.name == "lens" else "fires in"
        return f"{subject(c)}: {verb} {percent(e.chosen_rate)} of chosen, {percent(e.rejected_rate)} of rejected responses{some}."
    sides = [("chosen", e.more_in_chosen), ("rejected", e.more_in_rejected)]
    if e.judged is not None:  # its means are shares of the pairs that were answered
        sides = [("chosen", e.chosen_mean), ("rejected", e.rejected_mean)]
    if h.direction == "rejected":
        sides.reverse()
    if e.judged is not None:
        return _judged(subject(c), sides, e.judged.n_scored, h.n_inside)
    equal = max(0.0, 1 - e.more_in_chosen - e.more_in_rejected)
    (first, more), (second, less) = sides
    rest = f", the same in {percent(equal)}" if equal > 0.0005 else ""
    where = f"more in {first} in {percent(more)} of rows, in {second} in {percent(less)}{rest}{some}"
    if e.unit == direction.UNIT:  # a scale that has no meaning by itself: what rows say comes first
        return f"{subject(c)}: {where} (mean {few(e.chosen_mean)} against {few(e.rejected_mean)} {e.unit})."
    means = f"{amount(e.chosen_mean, e.unit)} in chosen, {few(e.rejected_mean)} in rejected"
    if e.means is not None and (times := ratio(e.chosen_mean, e.rejected_mean)):
        means += f" ({times})"
    if e.unit.startswith("share of "):
        means = f"{amount(e.chosen_mean, e.unit)} in chosen, {percent(e.rejected_mean)} in rejected"
    return f"{subject(c)}: {means}; {where}."


def _judged(what: str, sides: Sequence[tuple[str, float]], answered: int, n: int) -> str:
    """How often a judge says of either side that it has more, the side that leans first."""
    (first, more), (second, less) = sides
    neither = percent(max(0.0, 1 - more - less))
    of = "pairs" if answered >= n else f"the {number(answered)} pairs answered"
    return (
        f"{what}: more in {first} in {percent(more)} of {of}, in {second} in {percent(less)}, in neither in {neither}."
    )


def brief(label: str) -> str:
    """A label without the examples in parentheses at its end."""
    return label.split(" (")[0]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def length_verdict(h: Hypothesis) -> str:
    """What is left of an effect at equal length, in words; empty where it simply stays."""
    control = h.length_controlled
    if control is None:
        return h.length_note or ""
    if control.q >= 0.05:
        return "not significant at equal length"
    if control.effect * h.effect < 0:
        return "at equal length it turns round"
    return ""
