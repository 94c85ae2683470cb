"""What to say of a file whose shape nothing fits: what was found, what is missing, and a way on that was tried."""

from collections.abc import Mapping, Sequence

from offtarget.data import columns as names_of
from offtarget.data.adapters import tried
from offtarget.data.cells import cell_of, has
from offtarget.data.evidence import CONTENT, NUMBER, RECORDS, TEXT, TRUTH, Census, Evidence
from offtarget.data.guessing import FITS, NoShape
from offtarget.data.messages import ASKS, ROLES, WHO, conversation_of
from offtarget.data.nested import LOW, is_amount, listed, nested_label, nested_rows
from offtarget.data.rated_rows import ANSWERS
from offtarget.data.shapes import ChosenRejected

_MOST = 16
_FEW = 10


def explain(seen: Census, found: NoShape) -> str:
    """One line: why the rows are no pairs, and what to do. A mapping of columns is offered only if it was tried."""
    evidence = seen.whole
    if found.unclear:
        return found.unclear[0]
    if found.preferred is not None:
        return _without_prompt(seen, found.preferred)
    if len(found.answers) > 1:
        a, b, *more = found.answers
        if more:
            return (
                f"{len(found.answers)} answers to each prompt ({', '.join(found.answers)}) and no column that says which is "
                f"best; name it with --columns responses={'|'.join(found.answers)},choice=NAME (adapter one_of_many). "
                + columns_told(seen)
            )
        if scored := _scored(evidence, a, b):
            return f"{scored}. {columns_told(seen)}"
        if nested := nested_label(seen, (a, b)):
            return nested
        return (
            f"two answers to each prompt ({a}, {b}) and no column that says who won; name it with "
            f"--columns a={a},b={b},label=NAME (adapter two_responses). {columns_told(seen)}"
        )
    if beside := listed(seen):
        return f"{beside}. {columns_told(seen)}"
    if nested := nested_rows(seen):
        return nested
    labelled = _labelled(evidence)
    if labelled:
        return labelled
    talk = [c for c in evidence.names("conversation")]
    answer = names_of.named(evidence.names(*CONTENT), ANSWERS)
    headless = [name for name in seen.header if len(name) > 24 and len(name.split()) > 3]
    if not answer and not headless and (unnamed := _unnamed(seen, talk)):
        return unnamed
    if answer or any(not _asks(evidence, c) for c in talk):
        return (
            f"one answer to each prompt ({(answer or talk)[0]}) and nothing it is preferred to: there are no pairs in this "
            f"file. A pair needs a chosen and a rejected answer, or two answers and a column that says who won; or several "
            f"rows a prompt with a score each, named with --columns responses=NAME,scores=NAME. {columns_told(seen)}"
        )
    first = (
        f"the first line is read as the names of the columns, and looks like a row ('{headless[0][:40]}'); add a header. "
        if headless
        else ""
    )
    return (
        f"{first}no columns for the chosen and the rejected answer; name them with --columns prompt=NAME,chosen=NAME,rejected=NAME "
        f"or, where a column says who won, --columns prompt=NAME,a=NAME,b=NAME,label=NAME. {columns_told(seen)}"
    )


def _asks(evidence: Evidence, column: str) -> bool:
    """Whether a column of conversations holds prompts: most end in a turn of the user, so no answer is in them."""
    talks = [found for row in evidence.rows if (found := conversation_of(cell_of(row, column)))]
    last = [next((ROLES.get(turn[k].lower()) for k in WHO if isinstance(turn.get(k), str)), None) for *_, turn in talks]
    return 2 * sum(role in ASKS for role in last) > len(last)


def _unnamed(seen: Census, talk: Sequence[str]) -> str | None:
    """A prompt and two answers, none of them under a usual name: which column is the prompt, and between which two to say."""
    evidence = seen.whole
    there = [c for c in seen.header if c in evidence.names(*CONTENT)]
    asking = [c for c in talk if _asks(evidence, c)]
    known = asking if len(asking) == 1 else names_of.named(there, names_of.PROMPT)
    content = [
        c for c in there if not names_of.speaks_about(c) and _may_be_prompt(evidence, c)
    ]  # several words, not a label
    prompt = next(iter(known or content), "")
    answers = [c for c in content if c != prompt]
    if len(answers) != 2:
        return None
    one, other = answers
    if tried(evidence.rows[:100], ChosenRejected(prompt=prompt, chosen=one, rejected=other)) < FITS:
        return None
    return (
        f"no name of a column says which answer was preferred: with --columns prompt={prompt},chosen=NAME,rejected=NAME it reads "
        f"(tried on {min(100, len(evidence.rows))} rows), where the two NAMEs are {one} and {other}, the better one first. "
        f"{columns_told(seen)}"
    )


def _scored(evidence: Evidence, a: str, b: str) -> str | None:
    """What to say of two answers with a number for each."""
    numbers = [c for c in evidence.columns if is_amount(evidence, c) and c not in (a, b)]
    marks = names_of.side_marks((a, b))
    pairs = [p for p in names_of.numbered_answers(numbers, about=True) if len(p) == 2]
    pairs += [p for p in names_of.numbered_answers(numbers) if len(p) == 2 and names_of.side_marks(p) == marks]
    if not pairs:
        return None
    one, two = pairs[0]
    found = f"two answers to each prompt ({a}, {b}), numbers for each ({one}, {two}) and no column that says who won"
    low, high = f"rank_a={one},rank_b={two}", f"votes_a={one},votes_b={two}"
    if set(names_of.words_of(one)) & LOW:
        return f"{found}; if the lower number is the better answer: --columns a={a},b={b},{low}"
    return f"{found}; if the higher score is the better answer: --columns a={a},b={b},{high}; if the lower is: {low}"


def _without_prompt(seen: Census, preferred: tuple[str, str]) -> str:
    """There are chosen and rejected answers, but no column has a usual name of a prompt."""
    chosen, rejected = preferred
    evidence = seen.whole
    free = [c for c in evidence.names(*CONTENT) if c not in preferred and _may_be_prompt(evidence, c)]
    fits = [
        c
        for c in free
        if tried(evidence.rows[:100], ChosenRejected(prompt=c, chosen=chosen, rejected=rejected)) >= FITS
    ]
    if len(fits) == 1:
        whole = (
            f"prompt={fits[0]}"
            if "." not in f"{chosen}{rejected}"
            else f"prompt={fits[0]},chosen={chosen},rejected={rejected}"
        )
        return (
            f"no column 'prompt'; map it with --columns {whole}, in a recipe with --set columns.prompt={fits[0]} "
            f"(tried on {min(100, len(evidence.rows))} rows: it reads)"
        )
    which = f"which of {', '.join(fits)} holds it" if fits else "which column holds it"
    return (
        f"answers in {chosen} and {rejected}, but no column 'prompt', and the answers do not begin with one; say {which} with "
        f"--columns prompt=NAME. {columns_told(seen)}"
    )


def _may_be_prompt(evidence: Evidence, column: str) -> bool:
    """Whether a column of text may hold prompts: several words each, and many different ones."""
    found = evidence.columns[column]
    if found.kind != TEXT or names_of.named([column.rpartition(".")[2]], names_of.SURE_PROMPT):
        return True
    texts = [t for t in (cell_of(row, column) for row in evidence.rows) if isinstance(t, str)]
    if names_of.speaks_about(column) or len(texts) < _FEW:
        return not names_of.speaks_about(column)
    return sum(len(t.split()) > 1 for t in texts) > 0.5 * len(texts) and len(set(texts)) > 0.2 * len(texts)


def _labelled(evidence: Evidence) -> str | None:
    """What to say of rows of one answer with a label (the format of KTO)."""
    answers = names_of.named(evidence.names(*CONTENT), ANSWERS)
    labels = [
        c
        for c in names_of.named(evidence.names(TRUTH, NUMBER, TEXT), names_of.LABEL)
        if set(evidence.columns[c].values or ()) <= {"0", "1", "good", "bad", "desirable", "undesirable", "-1"}
        and evidence.columns[c].values
    ]
    prompts = [c for c in names_of.named(evidence.names(*CONTENT), names_of.PROMPT) if c not in answers]
    if not (answers and labels and prompts):
        return None
    prompt, label = prompts[0], labels[0]
    seen: dict[str, set[str]] = {}
    for row in evidence.rows:
        seen.setdefault(str(row.get(prompt)), set()).add(str(row.get(label)))
    both = sum(len(found) > 1 for found in seen.values())
    return (
        f"one answer a row ({answers[0]}) with a label ({label}): this is the format of KTO, and there are no pairs in it. "
        "A pair needs a good and a bad answer to the same prompt in one row: join the rows of each prompt into one with the "
        f"columns prompt, chosen and rejected (of {len(seen)} prompts among the rows looked at, {both} have both)"
    )


def columns_told(seen: Census, only: Sequence[str] = ()) -> str:
    """The columns of a file with what they hold."""
    told = []
    for name in [c for c in seen.header if not only or c in only][:_MOST]:
        column = seen.whole.columns.get(name)
        if column is None:
            told.append(f"{name} (empty)")
        elif column.kind == RECORDS:
            inner = dict.fromkeys(k for row in seen.whole.rows[:20] for x in row.get(name) or [] for k in x)
            told.append(
                f"{name} (list of mappings: {', '.join(map(str, list(inner)[:6]))}; one is named {name}.0.{next(iter(inner), 'x')})"
            )
        elif column.kind == TEXT:
            told.append(f"{name} (text, {column.mean_chars:.0f} characters)")
        else:
            told.append(f"{name} ({column.kind})")
    more = f" and {len(seen.header) - _MOST} more" if len(seen.header) > _MOST and not only else ""
    return f"There are: {', '.join(told)}{more}" if told else "There are no columns"


def missing_columns(seen: Census, roles: Mapping[str, str]) -> str | None:
    """What to say where a role was given a column that no row has; None if all are there."""
    known = set(seen.header) | set(seen.whole.columns)
    for role, given in roles.items():
        for column in given.split("|") if role in ("responses", "scores") else [given]:
            if column not in known and not any(has(row, column) for row in seen.whole.rows):
                return f"no column '{column}' for {role}; there are: {', '.join(seen.header[:_MOST])}"
    return None
