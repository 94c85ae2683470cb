"""How `offtarget data check` is printed: the verdict first, then a line for each thing there is to say."""

from collections.abc import Iterable, Iterator, Sequence

import typer

from offtarget.cli.ui import printable
from offtarget.data.check import DataReport
from offtarget.data.fit import counted, is_lopsided, percent, templates_told
from offtarget.data.repeats import but_for
from offtarget.data.scores import told as scores_told
from offtarget.data.templates import MIN_SHARE
from offtarget.data.texts import OVERLONG, Language

FEW = 3
"""Examples of each finding that are printed; --json lists up to 50, and the counts are of all."""
TRACE = 0.05
"""Debris in a smaller share of all sides is summed up in one line."""
ODD = frozenset({"empty_cell", "no_words", "lost_sign", "mojibake"})
"""Debris that is worth a look in a single answer."""
LONG_ID = 40
_WIDTH = 17
_MARK = "! "


def print_report(report: DataReport, name: str | None = None) -> None:
    """Print a report for a person. Lines that speak of a fault are marked with an exclamation mark.

    Args:
        report: what to print.
        name: what to call the set; by default as the report does.
    """
    typer.echo(printable(f"{name or report.name}: fit to audit: {report.fit.told}"))
    for label, text, fault in lines(report):
        mark = _MARK if fault else "  "
        typer.echo(printable(f"{mark}{label.ljust(_WIDTH)}{text}"))


def lines(report: DataReport) -> Iterator[tuple[str, str, bool]]:
    """What is said: a label, a sentence, and whether it is a fault of the set."""
    yield from _what(report)
    yield from _measures(report)
    yield from _repeats(report)
    yield from _sources(report)
    yield from _debris(report)
    yield from _odd(report)
    if report.fields:
        yield "other columns", "; ".join(f"{k} ({told})" for k, told in report.fields.items()), False


def _what(report: DataReport) -> Iterator[tuple[str, str, bool]]:
    s = report.stats
    text = f"{counted(report.n_pairs, 'pair')} from {counted(s.n_groups, 'group' if report.unit else 'prompt')}"
    if s.largest_group > 1:
        text += f", {s.largest_group} in the largest"
    if report.splits:
        text += "; splits " + ", ".join(f"{name} {n:,}" for name, n in report.splits.items())
    yield "rows", text, False
    yield "read as", report.read_as, False
    for text in report.notes:
        yield "", text, False
    if report.n_dropped:
        why = ", ".join(f"{n} {reason}" for reason, n in report.n_dropped.items())
        where = ", ".join(d.where for d in report.dropped[:FEW])
        more = ", ..." if len(report.dropped) > FEW else ""
        yield "left out", f"{why} ({where}{more})" if where else why, False
    if report.card is None:
        yield "card", "none: licence and source of the preferences are unknown", False
    else:
        c = report.card
        told = f"{c.title}; licence {c.licence}; preferences: {c.preference_source}; redistribution {c.redistribution}"
        yield "card", told + ("" if c.verified else "; not verified"), False


def _measures(report: DataReport) -> Iterator[tuple[str, str, bool]]:
    s = report.stats
    yield (
        "length",
        f"median characters: prompt {s.prompt_chars:,.0f}, chosen {s.chosen_chars:,.0f}, rejected "
        f"{s.rejected_chars:,.0f}; chosen is longer in {percent(s.chosen_longer)} of pairs",
        False,
    )
    form = f"markdown in {percent(s.markdown_chosen)} of chosen, {percent(s.markdown_rejected)} of rejected"
    if s.code_chosen or s.code_rejected:
        form += f"; code blocks in {percent(s.code_chosen)} of chosen, {percent(s.code_rejected)} of rejected"
    if s.multi_turn:
        form += f"; several turns in {percent(s.multi_turn)}"
    if s.system_turn:
        form += f"; a system turn in {percent(s.system_turn)}"
    yield "form", form, False
    told = {span: _language(language) for span, language in report.texts.language.items()}
    fault = any(language.other > 0.5 for language in report.texts.language.values())
    if len(set(told.values())) == 1:
        text = told["prompt"]
    else:
        text = "; ".join(f"{span} {what}" for span, what in told.items())
    if fault:
        text += ": rules for English phrases do not apply to most rows"
    yield "language", text, fault
    if report.texts.n_other_script:
        n, ids = report.texts.n_other_script, _some(report.texts.other_script, report.texts.n_other_script)
        yield ("other script", f"{counted(n, 'row')} with a prompt in one script and an answer in another{ids}", False)


def _language(language: Language) -> str:
    """The language of one part of the rows in words."""
    if not language.english and not language.other:
        return "unknown: the texts are too short to tell, or numbers, names or code"
    if language.other < 0.01:
        return "English"
    scripts = [f"{name} {percent(x)}" for name, x in language.scripts.items() if x >= 0.01 and name != "Latin"]
    other = ", ".join([language.name, *scripts] if language.name else scripts)
    if language.english < 0.01:
        return f"not English ({other or 'in Latin letters'})"
    return f"{percent(language.english)} English, {percent(language.other)} not" + (f" ({other})" if other else "")


def _repeats(report: DataReport) -> Iterator[tuple[str, str, bool]]:
    if report.n_duplicates:
        sets = _some(["=".join(ids[:FEW]) for ids in report.duplicates], len(report.duplicates))
        but = but_for(report.n_duplicates, report.n_duplicates_exact)
        yield "repeats", f"{counted(report.n_duplicates, 'row', 'repeat')} an earlier one{but}{sets}", True
    if report.n_same_sides:
        ids = _some(report.same_sides, report.n_same_sides)
        told = (
            f"{counted(report.n_same_sides, 'row')} with one text as chosen and rejected but for case and spaces{ids}"
        )
        yield "equal sides", told, True  # those that are equal to the letter were left out
    if report.n_contradictions:
        n = len(report.contradictions)
        examples = _some([f"{c.one_way[0]} against {c.other_way[0]}" for c in report.contradictions], n)
        but = but_for(report.n_contradictions, report.n_contradictions_exact)
        yield (
            "opposite labels",
            f"{counted(report.n_contradictions, 'row')} with the opposite label of another that has the same prompt and answers"
            f"{but}{examples}",
            True,
        )
    if report.n_cycles:
        examples = _some([" > ".join(c.rows) for c in report.cycles], report.n_cycles)
        yield (
            "circles",
            f"{counted(report.n_cycles, 'circle')} of preferences (A over B over C over A){examples}",
            True,
        )
    if report.n_leaks:
        examples = _some([" / ".join(ids[0] for ids in leak.ids.values()) for leak in report.leaks], report.n_leaks)
        yield "leaks", f"{counted(report.n_leaks, 'prompt or group')} in more than one split{examples}", True
    if report.answers_told:
        yield "same answers", report.answers_told, True
    near = report.near
    if near.n_prompts or near.n_answers:
        yield (
            "near repeats",
            f"{counted(near.n_prompts, 'prompt')}, {counted(near.n_answers, 'answer')} and {counted(near.n_rows, 'row')} "
            f"nearly repeat another (Jaccard similarity of {near.words}-word shingles at least {near.threshold:g})"
            + _some([" ~ ".join(ids[:2]) for ids in (*near.rows, *near.prompts, *near.answers)], near.n_prompts),
            False,
        )
    if o := report.against:
        yield (
            "against",
            f"{o.n_rows} of {report.n_pairs} rows have a prompt of {o.against} ({counted(o.n_against, 'pair')}), {o.n_near_rows} "
            f"more nearly; {o.n_same_pairs} are there with both answers"
            + _some([f"{a} = {b}" for a, b in o.rows], o.n_rows)
            + _some([f"{a} ~ {b}" for a, b in o.near_rows], o.n_near_rows),
            bool(o.n_rows or o.n_near_rows),
        )


def _sources(report: DataReport) -> Iterator[tuple[str, str, bool]]:
    texts = report.texts
    if texts.n_filled:
        shown = ", ".join(f"“{t.frame}” {t.n_rows}" for t in texts.templates[:FEW])
        more = ", ..." if texts.n_templates > FEW else ""
        yield (
            "templates",
            f"{templates_told(texts, report.n_pairs)}: {shown}{more}",
            texts.n_filled >= MIN_SHARE * report.n_pairs,
        )
    for side, found in texts.stock.items():
        n = len(found.answers)
        part = percent(found.n_rows / report.n_pairs)
        shown = ", ".join(f"“{a.text[:50]}” {a.n_rows}" for a in found.answers[:FEW])
        yield (
            "stock answers",
            f"{counted(n, 'text', 'make')} {part} of {side}, which is as good as "
            f"{found.effective_texts:,.0f} different texts: {shown}" + (", ..." if n > FEW else ""),
            True,
        )
    for columns in report.scores:
        yield (
            "scores",
            scores_told(columns) + _some(columns.lower, columns.n_lower),
            columns.n_lower > 0 or bool(columns.unclear),
        )


def _debris(report: DataReport) -> Iterator[tuple[str, str, bool]]:
    n, traces = report.n_pairs, []
    for d in report.texts.debris:
        if d.kind in ODD and d.n_chosen + d.n_rejected and not is_lopsided(d, n):
            continue
        chosen, rejected = percent(d.n_chosen / n), percent(d.n_rejected / n)
        if not is_lopsided(d, n) and max(d.n_chosen, d.n_rejected, d.n_prompts) < TRACE * n:
            traces.append(f"{d.told} in {_where(chosen, rejected, percent(d.n_prompts / n))}")
            continue
        yield (
            "debris",
            f"{d.told}: in {_where(chosen, rejected, percent(d.n_prompts / n))}, e.g. "
            f"{_short(d.rows[0])} “{d.example}”",
            is_lopsided(d, n),
        )
    if traces:
        yield "traces of", "; ".join(traces), False


def _where(chosen: str, rejected: str, prompts: str) -> str:
    """Shares of each text; that of prompts only where there is one."""
    told = f"{chosen} of chosen, {rejected} of rejected"
    return told if prompts == percent(0) else f"{told}, {prompts} of prompts"


def _odd(report: DataReport) -> Iterator[tuple[str, str, bool]]:
    """Single answers that are none, or far too long: of them the number counts, not the share."""
    n, told, fault = report.n_pairs, [], report.texts.n_overlong > 0
    for d in report.texts.debris:
        if d.kind in ODD and d.n_chosen + d.n_rejected and not is_lopsided(d, n):
            fault = fault or d.kind != "no_words"  # emoji may have been asked for
            answers = counted(d.n_chosen + d.n_rejected, "answer")
            told.append(f"{answers} with {d.told}{_some(d.rows, len(d.rows))}")
    if many := report.texts.n_overlong:
        ids = _some(report.texts.overlong, many)
        told.append(f"{counted(many, 'row')} with an answer longer than {OVERLONG} times the median{ids}")
    if told:
        yield "odd answers", "; ".join(told), fault


def _short(name: str) -> str:
    """A long id with its middle left out."""
    return name if len(name) <= LONG_ID else name[:12] + "…" + name[-(LONG_ID - 13) :]


def _some(examples: Sequence[str] | Iterable[str], n: int) -> str:
    """A few examples in parentheses; empty of none."""
    shown = [" ".join(map(_short, e.split(" "))) for e in list(examples)[:FEW]]
    if not shown:
        return ""
    return " (" + ", ".join(shown) + (", ..." if n > len(shown) else "") + ")"
