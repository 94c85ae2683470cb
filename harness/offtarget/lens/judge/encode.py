"""The `judge` lens: a language model says of each pair which response has more of a concept, and proposes the concepts.

What it says lives on pairs, not on single texts. In a `FeatureMatrix` the side that has more holds 1 and the other 0,
and both hold 0 where neither has more; so chosen minus rejected has the mean P(chosen has more) - P(rejected has more),
which is the effect that the audit states. A pair without an answer that could be read, or one that was not drawn, was
not read (`FeatureMatrix.unread`): means, shares and effects are over the pairs that were answered, as if the others were
like them.

Concepts come from a file, from an earlier audit, or from the model itself (`proposing`, which also says why p and q
hold). What the model says of held-out pairs in both orders is its fidelity (`fidelity`); concepts on which it does not
agree with itself are left out: they keep their column, without any difference, and are named.
"""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from offtarget.asking import ask_all, model_name, unanswered
from offtarget.data.pairs import PairSet
from offtarget.data.splitting import half_by_group
from offtarget.errors import UndecidedError
from offtarget.lens.cost import CHARACTERS_A_TOKEN
from offtarget.lens.features import FILE_VERSION, Column, FeatureMatrix, Span, Stat
from offtarget.lens.judge import cost, judging, proposing
from offtarget.lens.judge.concepts import JudgedConcept, as_concepts, column_names, one_line, read_judged
from offtarget.lens.judge.fidelity import BY_POSITION, GOOD, Fidelity, fidelity, says_first
from offtarget.lens.judge.judging import Judgements
from offtarget.lens.judge.options import JudgeOptions
from offtarget.lens.judge.texts import shown
from offtarget.lens.reader import Reader
from offtarget.store import hash_of

log = logging.getLogger(__name__)

VERSION = 1
"""Rises when the same pairs would be asked about otherwise, or answers read otherwise."""
ROWS_NAMED = 20
"""Unread pairs of a concept that are named; all are counted."""
SAID = 0.05
"""Share of unread answers from which on it is a caution."""
MANY_CUT = 0.1
"""Share of cut pairs from which on it is a caution."""


def encode_judged(
    pairs: PairSet, options: JudgeOptions, reader: Reader, fitted: FeatureMatrix | None = None
) -> FeatureMatrix:
    """What a judge says of every pair, as chosen and rejected values.

    Args:
        pairs: what is judged; its text goes to the model's provider.
        options: which model, which concepts, how many pairs.
        reader: its store keeps answers and features, so that a judging that was interrupted goes on from there; its
            model is not asked.
        fitted: an earlier reading whose concepts are used again.

    Returns:
        Statistic "value" of chosen and rejected. `info` holds the concepts with their fidelity, and names the pairs
        without an answer.

    Raises:
        ConfigError: a file of concepts that cannot be used.
        UndecidedError: the model is not available or stops answering, it names no concept, no answer can be read, or
            `fitted` was judged by another model or otherwise.
    """
    judge = model_name(options.model)
    concepts = _given(options, judge, fitted)
    inputs = {
        "rows": pairs.rows_sha256,
        "model": judge,
        "concepts": None if concepts is None else [c.as_json() for c in concepts],
        "proposed": _were_proposed(options, fitted),
        "options": [options.most, options.pairs, options.swapped, options.characters, options.tokens, options.seed],
        "format": FILE_VERSION,
    }

    def build(out: Path) -> None:
        _read(pairs, options, concepts, _were_proposed(options, fitted), reader).save(out)

    return FeatureMatrix.load(reader.store.get("judge-features", VERSION, inputs, build))


def _were_proposed(options: JudgeOptions, fitted: FeatureMatrix | None) -> bool:
    return bool(fitted.info["proposed"]) if fitted else options.concepts is None


def _given(options: JudgeOptions, model: str, fitted: FeatureMatrix | None) -> tuple[JudgedConcept, ...] | None:
    """The concepts, where they need not be proposed.

    Raises:
        UndecidedError: the earlier reading was made otherwise.
    """
    own = None if options.concepts is None else read_judged(options.concepts)
    if fitted is None:
        return own
    earlier = as_concepts(fitted.info["concepts"])
    now = {"model": model, "characters": options.characters, "concepts": own or earlier}
    was = {"model": fitted.info["model"], "characters": fitted.info["characters"], "concepts": earlier}
    other = [key for key in now if now[key] != was[key]]
    if other:
        raise UndecidedError(
            f"lens 'judge' was asked with another {other[0]} before"
            + ("" if other[0] == "concepts" else f" ({was[other[0]]}, now {now[other[0]]})")
            + "; use the same, or audit without --like"
        )
    return earlier


def _read(
    pairs: PairSet, options: JudgeOptions, concepts: tuple[JudgedConcept, ...] | None, proposed: bool, reader: Reader
) -> FeatureMatrix:
    judge, store = options.model, reader.store

    def ask(prompts: Sequence[str], tokens: int) -> list[str]:
        return ask_all(
            judge, prompts, max_tokens=tokens, store=store, what="judge",
            connections=options.connections or None, progress=reader.step("judge features"),
        )  # fmt: skip

    name = model_name(judge)
    if concepts is None:
        prompts = proposing.requests(pairs, options)
        if unanswered(judge, prompts, max_tokens=max(proposing.TOKENS, options.tokens), store=store):
            log.warning("%s", _forecast(pairs, prompts, options, name))
        concepts = proposing.propose(prompts, options, ask)
    half = half_by_group([p.group for p in pairs.pairs])
    held_out = ~half if proposed else np.ones(len(pairs), dtype=bool)
    made = judging.plan(pairs, concepts, held_out, options)
    tokens = judging.answer_tokens(options)
    left = unanswered(judge, made.prompts, max_tokens=tokens, store=store)
    if left:
        log.warning("%s", _bill(made, left, name, len(concepts), options))
    answers = ask(made.prompts, tokens)
    found = judging.read(made, answers, len(concepts))
    of = fidelity(found, held_out)
    if not any(f.n_scored for f in of):
        begins = one_line(next(iter(answers), ""))[:60]
        raise UndecidedError(
            f"lens 'judge': none of {len(answers):,} answers of {name} can be read (the first begins “{begins}”); ask "
            "another model, or give it more room (tokens=1000)"
        )
    return _matrix(pairs, options, name, concepts, proposed, made, found, of)


def _forecast(pairs: PairSet, prompts: Sequence[str], options: JudgeOptions, name: str) -> str:
    """What is said before concepts are proposed, when it is not known how many there will be."""
    rows = min(len(pairs), options.pairs or len(pairs))
    calls = -(-options.most // options.at_once)
    twice = min(rows, max(judging.FEWEST_SWAPPED, int(np.ceil(options.swapped * rows))))
    some = [shown(p, options.characters, options.seed) for p in pairs.pairs]
    mean = float(np.mean([len(s.prompt) + len(s.first) + len(s.second) for s in some]))
    requests = (rows + twice) * calls
    instructions = len(judging.JUDGE) + min(options.at_once, options.most) * 120
    judged = cost.amounts(
        requests,
        requests * (mean + instructions) / CHARACTERS_A_TOKEN,
        (rows + twice) * options.most * cost.TOKENS_A_CONCEPT,
    )
    return (
        f"{name} is sent text of the set: {cost.in_words(prompts, cost.NAMING_TOKENS)} to propose concepts; then to judge "
        f"at most {options.most} of them at most {judged}"
    )


def _bill(made: judging.Plan, left: Sequence[str], name: str, n_concepts: int, options: JudgeOptions) -> str:
    """What is said before pairs are judged."""
    kept = len(set(made.prompts)) - len(left)
    each = cost.TOKENS_A_CONCEPT * float(np.mean([len(numbers) for _, _, numbers in made.sheets]))
    text = (
        f"{name} is sent text of the set: {cost.in_words(left, each)} to judge {n_concepts} concepts "
        f"in {made.n_judged:,} pairs, {int(made.twice.sum()):,} of them in both orders"
    )
    if kept:
        text += f"; {kept:,} more were answered before"
    if made.n_cut:
        text += f"; texts over {options.characters:,} characters are cut, in {made.n_cut:,} of the pairs"
    return text


def _matrix(
    pairs: PairSet,
    options: JudgeOptions,
    name: str,
    concepts: Sequence[JudgedConcept],
    proposed: bool,
    made: judging.Plan,
    found: Judgements,
    of: Sequence[Fidelity],
) -> FeatureMatrix:
    from scipy.sparse import csr_matrix

    ids = column_names(concepts)
    unread = np.isnan(found.value) | np.array([bool(f.why_not) for f in of])
    signed = np.where(unread, 0.0, found.value)
    values: dict[tuple[Span, Stat], Any] = {
        ("chosen", "value"): csr_matrix(np.maximum(signed, 0)),
        ("rejected", "value"): csr_matrix(np.maximum(-signed, 0)),
    }
    columns = tuple(
        Column(i, _label(c, f), "share of pairs", "value") for i, c, f in zip(ids, concepts, of, strict=True)
    )
    info = {
        "name": "judge",
        "identity": hash_of([VERSION, name, options.characters, [c.as_json() for c in concepts]]),
        "version": VERSION,
        "model": name,
        "characters": options.characters,
        "proposed": proposed,
        "concepts": [c.as_json() for c in concepts],
        "asked": {
            "requests": len(made.prompts),
            "pairs": made.n_judged,
            "both_orders": int(made.twice.sum()),
            "cut": made.n_cut,
        },
        "says_a": says_first(found),
        "judged": {
            i: _facts(pairs, name, c, f, found, j) for j, (i, c, f) in enumerate(zip(ids, concepts, of, strict=True))
        },
        "left_out": {i: f.why_not for i, f in zip(ids, of, strict=True) if f.why_not},
        "cautions": _cautions(pairs, options, name, concepts, made, found, of),
    }
    rows, groups = tuple(p.id for p in pairs.pairs), tuple(p.group for p in pairs.pairs)
    cells = csr_matrix(unread) if unread.any() else None
    return FeatureMatrix("judge", columns, values, rows, groups, info, unread=cells, kind="signed")


def _label(c: JudgedConcept, f: Fidelity) -> str:
    return f"{c.name} (judged, left out)" if f.why_not else f"{c.name} (judged, kappa {f.kappa:.2f})"


def _facts(pairs: PairSet, name: str, c: JudgedConcept, f: Fidelity, found: Judgements, j: int) -> dict[str, Any]:
    """What `info` says of one concept."""
    unread = np.flatnonzero(np.isnan(found.value[:, j]) & found.asked)
    return {
        "model": name,
        "definition": c.definition,
        "kappa": f.kappa,
        "agreement": f.agreement,
        "both": f.both,
        "unscored": f.unscored,
        "applies": f.applies,
        "n_scored": f.n_scored,
        "n_unscored": f.n_unscored,
        "unscored_rows": [pairs.pairs[i].id for i in unread[:ROWS_NAMED]],
    }


def _cautions(
    pairs: PairSet,
    options: JudgeOptions,
    name: str,
    concepts: Sequence[JudgedConcept],
    made: judging.Plan,
    found: Judgements,
    of: Sequence[Fidelity],
) -> list[str]:
    out = []
    first = says_first(found)
    if first is not None and max(first, 1 - first) >= BY_POSITION:
        side, share = ("A", first) if first >= 0.5 else ("B", 1 - first)
        out.append(
            f"judge {name} goes by position: {share:.0%} of its answers for a side are for {side}, though a coin decides "
            "which response that is"
        )
    out += [
        f"judged concept '{c.name}' is left out: {f.why_not}" for c, f in zip(concepts, of, strict=True) if f.why_not
    ]
    used = [(c, f) for c, f in zip(concepts, of, strict=True) if not f.why_not]
    weak = [f"'{c.name}' {f.kappa:.2f}" for c, f in used if f.kappa is not None and f.kappa < GOOD]
    if weak:
        out.append(
            f"judge {name} is not sure of {', '.join(weak)} (kappa of its answers with A and B exchanged, under {GOOD}): "
            "noise in its answers makes their effects smaller"
        )
    unread = [f"'{c.name}' {f.n_unscored}" for c, f in used if f.n_unscored > SAID * made.n_judged]
    if unread:
        out.append(
            f"answers of judge {name} that could not be read, of {made.n_judged:,} pairs: {', '.join(unread)}; effects are "
            "over the pairs that were answered"
        )
    if made.n_judged < len(pairs):
        out.append(
            f"judge {name} was asked about {made.n_judged:,} of {len(pairs):,} pairs, drawn by prompt: its effects are over "
            "these, and a plan knows nothing of the others"
        )
    if made.n_cut >= MANY_CUT * made.n_judged:
        out.append(
            f"judge {name} sees {options.characters:,} characters of a text, and in {made.n_cut:,} of {made.n_judged:,} pairs "
            "one is longer and was cut there: raise characters=, or read its findings as of the beginnings of answers"
        )
    return out
