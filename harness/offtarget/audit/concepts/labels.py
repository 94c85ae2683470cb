"""Names for concepts that have none: the rule that reads responses as they do, or no name and the evidence.

A concept of latents has a name only if something vouches for it. Here that is a rule of another lens: the one that
correlates with it most over the distinct responses of one half of the prompts, if |r| is at least 0.6 over all of them
and over those of the other half alone, with the same sign. What falls short is "unnamed", and shown by where it fires
strongest and by words whose AUROC on the other half is beside them. No model is asked here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from offtarget.audit.concepts.contrast import TAU, member_weights, response_values
from offtarget.audit.concepts.peaks import promoted, strongest_places
from offtarget.audit.concepts.units import Units, distinct_pairs, distinct_responses
from offtarget.audit.concepts.vocabulary import ConceptSpec
from offtarget.audit.concepts.words import count_words, keywords, rank_auroc
from offtarget.audit.evidence import NAME_R, Correlate, Peak, WordFit
from offtarget.audit.statistics.means import Floats, correlations
from offtarget.data.pairs import Pair, text_of
from offtarget.lens.features import FeatureMatrix

MIN_VARIED = 10
"""Held-out responses on which a concept must differ from its median before a rule or words may speak for it."""
WORDS = 8
MIN_Z = 4.0
"""Of a word in the evidence: among thousands of words, 1.96 is reached by dozens for nothing."""
NAMED_WORDS = 5
"""Words that are in a label; the AUROC is that of these."""
MIN_AUROC = 0.6
"""Held out, of words that may serve as evidence."""
MIN_EXTREME = 50
"""Rows at the ends of a signed column whose words are compared, at least."""
_BLOCK = 128


@dataclass(frozen=True)
class Told:
    """What is said of one concept."""

    label: str
    name: Literal["lens", "rule", "none"]
    correlate: Correlate | None
    words: tuple[str, ...] = ()
    words_against: tuple[str, ...] = ()
    word_fit: WordFit | None = None
    tokens: tuple[str, ...] = ()
    promotes: tuple[str, ...] = ()
    peaks: tuple[Peak, ...] = ()


@dataclass(frozen=True, eq=False)
class Rules:
    """The plain columns whose names a concept of a model may borrow."""

    ids: tuple[str, ...]
    labels: tuple[str, ...]
    values: NDArray[Any]
    """`(2 n_pairs, n_rules)`, chosen above rejected, as the contrast takes them (presence, log, value)."""


def tell(
    part: FeatureMatrix, concepts: Sequence[ConceptSpec], u: NDArray[Any], rules: Rules, pairs: Sequence[Pair]
) -> list[Told]:
    """Labels of the concepts of one lens that reads a model, with all their evidence.

    Columns that have names of their own keep them; the rule that reads responses as they do is beside.

    Args:
        part: features of the lens.
        concepts: its concepts.
        u: of these concepts, `(n_pairs, n_concepts)`.
        rules: the columns of the lenses that read no model; may be empty.
        pairs: the rows.
    """
    if part.kind == "latent":
        return _tell_latents(part, concepts, rules, pairs)
    if part.kind == "signed":
        return _tell_poles(concepts, u, rules, pairs)
    units = distinct_responses(pairs)
    found = closest_rules(response_values([part], concepts)[units.rows], rules, rules.values[units.rows], units)
    own = {c.id: c.label for c in part.columns}
    return [Told(own[s.members[0]], "lens", rule) for s, rule in zip(concepts, found, strict=True)]


def closest_rules(x: NDArray[Any], rules: Rules, values: NDArray[Any], units: Units) -> list[Correlate | None]:
    """For each column of x the rule that may name it; None where none reaches |r| 0.6 on what it was not chosen on.

    Args:
        x: `(n_units, n_concepts)`.
        rules: their ids and labels.
        values: of the rules on the same units, `(n_units, n_rules)`.
        units: the halves.
    """
    made, held, everywhere = (correlations(x[rows], values[rows]) for rows in (units.made, units.held, slice(None)))
    varied = (x[units.held] != np.median(x[units.held], axis=0)).sum(axis=0) if units.held.any() else []
    out: list[Correlate | None] = []
    for m in range(x.shape[1]):
        j = int(np.argmax(np.abs(made[m]))) if len(rules.ids) else -1
        if j < 0 or not len(varied) or varied[m] < MIN_VARIED:
            out.append(None)
            continue
        r, again = float(everywhere[m, j]), float(held[m, j])
        holds = min(abs(r), abs(again)) >= NAME_R and r * again > 0
        rule = Correlate(concept=rules.ids[j], label=rules.labels[j], r=r, held_out=again, n=int(units.held.sum()))
        out.append(rule if holds else None)
    return out


def _tell_latents(
    part: FeatureMatrix, concepts: Sequence[ConceptSpec], rules: Rules, pairs: Sequence[Pair]
) -> list[Told]:
    units = distinct_responses(pairs)
    share = firing_share(part, [c.members for c in concepts])[units.rows]
    found = closest_rules(share, rules, rules.values[units.rows], units)
    texts = [text_of(p.chosen) for p in pairs] + [text_of(p.rejected) for p in pairs]
    words, counts = count_words((texts[i] for i in units.rows), min_texts=3)
    candidates = _firing_words(share, units.made, counts, words)
    place = {w: j for j, w in enumerate(words)}
    peaks, tokens = strongest_places(part, concepts, units.rows, units.made, pairs)
    promotes = promoted(part, concepts)
    out = []
    for m, spec in enumerate(concepts):
        at = [place[w] for w in candidates[m][:NAMED_WORDS]]
        said = np.asarray(counts[:, at].sum(axis=1)).ravel()
        fit = _fit_of_words(said[units.held], _fires(share[units.held, m])) if at else None
        kept = candidates[m] if fit else ()
        label = rule_label(found[m]) or evidence_label(tokens[m], kept, (), fit)
        out.append(
            Told(
                label or f"unnamed: {_latents(spec)} without a distinctive word",
                "rule" if found[m] else "none",
                found[m],
                kept,
                word_fit=fit,
                tokens=tokens[m],
                promotes=promotes[m],
                peaks=peaks[m],
            )
        )
    return out


def _latents(spec: ConceptSpec) -> str:
    return "one latent" if len(spec.members) == 1 else f"{len(spec.members)} latents"


def firing_share(part: FeatureMatrix, members: Sequence[Sequence[str]]) -> NDArray[np.float32]:
    """The share of a concept's members that fire in each response, chosen first: `(2 n_pairs, n_concepts)`."""
    from scipy.sparse import vstack

    fires = vstack([part.values["chosen", "freq"], part.values["rejected", "freq"]], format="csr") > TAU
    return np.asarray((fires.astype(np.float32) @ member_weights(part, members)).todense())


def _fires(share: NDArray[Any]) -> NDArray[np.bool_]:
    """Responses where more fires than in the median one; of what fires in most of them, those where it does."""
    median = np.median(share) if len(share) else 0.0
    above = share > median
    return np.asarray(above if above.any() else share >= median)


def _fit_of_words(said: NDArray[Any], on: NDArray[np.bool_]) -> WordFit | None:
    """The AUROC of words, or None where it is below the floor or too little is held out to tell."""
    if min(int(on.sum()), int((~on).sum())) < MIN_VARIED:
        return None
    auroc = rank_auroc(said, on)
    return WordFit(auroc=round(auroc, 4), n=len(on)) if auroc >= MIN_AUROC else None


def _firing_words(
    share: NDArray[np.float32], half: NDArray[np.bool_], counts: Any, words: Sequence[str]
) -> list[tuple[str, ...]]:
    """Words that set apart the responses of one half on which each concept fires."""
    if not words:
        return [() for _ in range(share.shape[1])]
    mine = counts[np.flatnonzero(half)]
    there = np.flatnonzero(np.asarray(mine.sum(axis=0)).ravel())
    mine, words = mine[:, there], [words[int(j)] for j in there]
    total = np.asarray(mine.sum(axis=0)).ravel()
    out: list[tuple[str, ...]] = []
    for start in range(0, share.shape[1], _BLOCK):
        block = share[half, start : start + _BLOCK].astype(np.float64)
        out += keywords(np.asarray(mine.T @ block).T, total, words, WORDS, min_z=MIN_Z)
    return out


def _tell_poles(concepts: Sequence[ConceptSpec], u: NDArray[Any], rules: Rules, pairs: Sequence[Pair]) -> list[Told]:
    """Signed columns, which live on pairs: named by a rule's difference, or shown by the words of their poles."""
    n, units = len(pairs), distinct_pairs(pairs)
    x = np.asarray(u[units.rows], dtype=np.float64)
    found = closest_rules(x, rules, (rules.values[:n] - rules.values[n:])[units.rows], units)
    texts = [text_of(p.chosen) for p in pairs] + [text_of(p.rejected) for p in pairs]
    words, counts = count_words(texts, min_texts=3)
    place = {w: j for j, w in enumerate(words)}
    more = counts[units.rows] - counts[units.rows + n]
    out = []
    for m, rule in enumerate(found):
        poles = pole_words(x[:, m] * units.made, units.rows, counts, words)
        signs = [1.0] * len(poles[0][:NAMED_WORDS]) + [-1.0] * len(poles[1][:NAMED_WORDS])
        at = [place[w] for pole in poles for w in pole[:NAMED_WORDS]]
        said = np.asarray(more[:, at] @ np.array(signs)).ravel() if at else np.zeros(len(x))
        tried = units.held & (x[:, m] != 0)
        fit = _fit_of_words(said[tried], x[tried, m] > 0) if at else None
        high, low = poles if fit else ((), ())
        label = rule_label(rule) or evidence_label((), high, low, fit)
        out.append(
            Told(
                label or "unnamed: a difference without distinctive words",
                "rule" if rule else "none",
                rule,
                high,
                low,
                fit,
            )
        )
    return out


def pole_words(
    x: Floats, rows: NDArray[Any], counts: Any, words: Sequence[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Words that set apart the two poles of a signed column, which has no value for single responses.

    Where x > 0 the chosen response lies towards the positive pole and the rejected one towards the negative; where x < 0
    it is the other way round. The pairs with the largest |x| count: a quarter of those where it is not 0, at least 50.

    Args:
        x: `(n_units,)`; 0 where a pair is not to be looked at.
        rows: row number of each unit.
        counts: words of each response, sparse `(2 n_pairs, n_words)`.
        words: their names.
    """
    n = counts.shape[0] // 2
    far = np.argsort(-np.abs(x), kind="stable")[: n_extreme(int((x != 0).sum()))]
    up, down = rows[far[x[far] > 0]], rows[far[x[far] < 0]]
    positive = np.asarray(counts[np.concatenate([up, down + n])].sum(axis=0)).ravel()
    negative = np.asarray(counts[np.concatenate([down, up + n])].sum(axis=0)).ravel()
    said = np.flatnonzero(positive + negative)
    poles = np.stack([positive, negative])[:, said]
    high, low = keywords(poles, poles.sum(axis=0), [words[int(j)] for j in said], WORDS)
    return high, low


def n_extreme(n_nonzero: int) -> int:
    """How many rows stand for the poles of a signed column."""
    return min(n_nonzero, max(MIN_EXTREME, n_nonzero // 4))


def shown(token: str) -> str:
    """A token as it is written in a label: line ends as ⏎, a space as ␣."""
    return token.replace("\n", "⏎").replace(" ", "␣").replace("\t", "⇥")


def rule_label(rule: Correlate | None) -> str:
    """What a concept is called after the rule that reads as it does; empty for None."""
    if rule is None:
        return ""
    return f"{'goes with' if rule.r > 0 else 'goes against'} {rule.label.split(' (')[0]} (r {rule.r:+.2f})"


def evidence_label(tokens: Sequence[str], words: Sequence[str], against: Sequence[str], fit: WordFit | None) -> str:
    """What is shown instead of a name; empty where there is nothing to show.

    Args:
        tokens: on which it fires strongest.
        words: its contrastive words, or those of its positive pole.
        against: for a signed concept, the words of its negative pole.
        fit: of the words, on held-out responses.
    """
    parts = []
    if tokens:
        parts.append("fires on " + " ".join(f"“{shown(t)}”" for t in tokens))
    if fit is not None:
        poles = [", ".join(pole[:NAMED_WORDS]) or "none" for pole in (words, against)]
        text = f"words {poles[0]}" + (f" against {poles[1]}" if against else "")
        parts.append(f"{text} (AUROC {fit.auroc:.2f})")
    return "unnamed: " + "; ".join(parts) if parts else ""
