"""Concepts that a model sees in contrasted pairs, in the manner of Inverse Constitutional AI and Feedback Forensics.

The model is shown pairs of one half of the prompts, unlabelled and in random order, and names properties that one
response of a pair has more of than the other. What it proposes cannot depend on which response was chosen, since that
is in no request. So every concept may be tested on all pairs: under the null of a concept, swapping labels changes
neither the concepts nor the judgements, and p and q are valid as they are. What may not be measured on the same pairs
is how well the judge knows its own concepts; for that the other half is kept.
"""

from collections.abc import Callable, Sequence

from offtarget.asking import model_name
from offtarget.data.pairs import PairSet
from offtarget.data.splitting import half_by_group
from offtarget.errors import UndecidedError
from offtarget.lens.judge.answers import PLACEHOLDER, groups, proposals
from offtarget.lens.judge.concepts import JudgedConcept, normalised, one_line
from offtarget.lens.judge.options import JudgeOptions
from offtarget.lens.judge.texts import DATA, Shown, between, place, shown, tag_for

BATCHES, CASES, NAMED = 8, 5, 6
"""Requests, pairs in each, and concepts that each may name."""
TOKENS = 1024
"""Most tokens of an answer that names concepts."""
PROPOSE = """You compare answers of language models. Below are {n} cases. Each has a request and two responses, A and B, \
in random order. {data}

{cases}

In which ways do the two responses of a case differ? Name up to {k} properties that one response of a case has clearly \
more of than the other: of tone, attitude, content, structure, form or style. Prefer what separates the responses of \
several cases. Say what the property is, not which response has it and not which is better. Answer with a JSON list \
and nothing else:
[{{"name": "{placeholder}", "definition": "one sentence that says what more of it means"}}, ...]"""
MERGE = """Below are names of properties of texts, by number. {data}

{names}

Put numbers together whose names mean the same property, also where one names its opposite. Answer with a JSON list of \
lists of numbers and nothing else, such as [[1, 4], [2], [3, 5, 6]]."""

Ask = Callable[[Sequence[str], int], list[str]]
"""(prompts, most tokens of an answer) -> answers."""


def requests(pairs: PairSet, options: JudgeOptions) -> list[str]:
    """The requests for concepts: batches of distinct pairs of one half of the prompts, one of each prompt first."""
    half = half_by_group([p.group for p in pairs.pairs])
    there = [shown(p, options.characters, options.seed) for p, mine in zip(pairs.pairs, half, strict=True) if mine]
    distinct = {(s.prompt, s.first, s.second): s for s in there if not s.alike}
    order = sorted(distinct, key=lambda texts: place(options.seed, "propose", *texts))
    seen: set[str] = set()
    first: list[Shown] = []
    again: list[Shown] = []
    for texts in order:
        (again if texts[0] in seen else first).append(distinct[texts])
        seen.add(texts[0])
    drawn = [*first, *again][: BATCHES * CASES]
    return [_request(drawn[i : i + CASES]) for i in range(0, len(drawn), CASES)]


def _request(cases: Sequence[Shown]) -> str:
    tag = tag_for([text for c in cases for text in (c.prompt, c.first, c.second)])
    parts = [
        f"Case {k}\n{between(tag, 'request', c.prompt)}\n{between(tag, 'A', c.first)}\n{between(tag, 'B', c.second)}"
        for k, c in enumerate(cases, 1)
    ]
    return PROPOSE.format(
        n=len(cases), data=DATA.format(tag=tag), cases="\n\n".join(parts), k=NAMED, placeholder=PLACEHOLDER
    )


def propose(prompts: Sequence[str], options: JudgeOptions, ask: Ask) -> tuple[JudgedConcept, ...]:
    """The concepts that most answers name, at most `options.most`.

    Names that differ in case, signs or a leading "more" are one concept; then the model is asked which others mean the
    same. Where that answer cannot be read they stay apart.

    Args:
        prompts: of `requests`.
        options: the judge's.
        ask: how it is asked.

    Raises:
        UndecidedError: there is nothing to ask about, or no answer names a concept.
    """
    if not prompts:
        raise UndecidedError(
            "lens 'judge': the half of the prompts that concepts are proposed from holds no pair whose responses differ; "
            "give concepts of your own (concepts=FILE)"
        )
    answers = ask(prompts, max(TOKENS, options.tokens))
    found: dict[str, JudgedConcept] = {}
    batches: dict[str, set[int]] = {}
    for k, answer in enumerate(answers):
        for c in proposals(answer):
            name = normalised(c.name)
            found.setdefault(name, c)
            batches.setdefault(name, set()).add(k)
    if not found:
        raise UndecidedError(
            f"lens 'judge': none of {len(answers)} answers of {model_name(options.model)} names a concept (the first begins "
            f"“{one_line(answers[0])[:60]}”); ask another model, or give concepts of your own (concepts=FILE)"
        )
    names = list(found)
    together = _together(names, options, ask)
    count = [len(set().union(*(batches[names[j]] for j in group))) for group in together]
    order = sorted(range(len(together)), key=lambda g: (-count[g], min(together[g])))
    speaking = [max(together[g], key=lambda j: (len(batches[names[j]]), -j)) for g in order[: options.most]]
    return tuple(found[names[j]] for j in speaking)


def _together(names: Sequence[str], options: JudgeOptions, ask: Ask) -> list[list[int]]:
    """Which names mean the same, as the model says."""
    if len(names) < 2:
        return [[0]]
    tag = tag_for(names)
    listed = between(tag, "names", "\n".join(f"{k}. {name}" for k, name in enumerate(names, 1)))
    answer = ask([MERGE.format(data=DATA.format(tag=tag), names=listed)], max(TOKENS, options.tokens))[0]
    return groups(answer, len(names)) or [[j] for j in range(len(names))]
