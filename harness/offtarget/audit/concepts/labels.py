"""Names for concepts that have none: what a latent moves with, on which words and tokens it fires, what it promotes.

No model is asked. A label is a hint with its evidence beside it, not a claim about what a latent means. It is
made on one half of the prompts; its fidelity is measured on the other.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from offtarget.audit.concepts.contrast import TAU, member_weights
from offtarget.audit.concepts.vocabulary import ConceptSpec, is_latent
from offtarget.audit.concepts.words import count_words, keywords
from offtarget.audit.records import Correlate, Fidelity, Peak
from offtarget.audit.statistics.means import Floats, correlations, half_by_group
from offtarget.data.pairs import Pair, text_of
from offtarget.lens.features import FeatureMatrix, peak_place

MIN_R = 0.3
WORDS = 8
MIN_Z = 4.0
"""Of a word that may name a concept: among thousands of words, 1.96 is reached by dozens for nothing."""
NAMED_WORDS = 5
"""Words that stand in a label; its fidelity is that of these."""
PEAKS = 6
TOKENS_READ = 30
"""Strongest places of a concept whose tokens are counted."""
NAMED_TOKENS = 3
MIN_FIRING = 20
"""Held-out responses on which a concept must fire for its label to have a fidelity."""
MIN_EXTREME = 50
"""Rows at the ends of a signed column whose words are compared, at least."""
_BLOCK = 128


def reads_model(part: FeatureMatrix) -> bool:
    """Whether a lens reads a model's activations: its concepts are explained by those of the other lenses."""
    return is_latent(part) or "model_identity" in part.info


@dataclass(frozen=True)
class Told:
    """What is said of one concept."""

    label: str
    correlate: Correlate | None
    words: tuple[str, ...] = ()
    words_against: tuple[str, ...] = ()
    tokens: tuple[str, ...] = ()
    promotes: tuple[str, ...] = ()
    peaks: tuple[Peak, ...] = ()
    fidelity: Fidelity | None = None


def strongest_correlates(
    u: NDArray[Any], surface: NDArray[Any], ids: Sequence[str], labels: Sequence[str]
) -> list[Correlate | None]:
    """For each column of u the surface concept with the largest |r|, if that is at least 0.3."""
    table = correlations(u, surface)
    out: list[Correlate | None] = []
    for row in table:
        j = int(np.argmax(np.abs(row))) if len(row) else -1
        strong = j >= 0 and abs(row[j]) >= MIN_R
        out.append(Correlate(concept=ids[j], label=labels[j], r=round(float(row[j]), 4)) if strong else None)
    return out


@dataclass(frozen=True, eq=False)
class Surface:
    """The plain columns that latents may go along with: u, and the values of chosen above those of rejected."""

    ids: tuple[str, ...]
    labels: tuple[str, ...]
    u: NDArray[Any]
    """`(n_pairs, n_columns)`"""
    values: NDArray[Any]
    """`(2 n_pairs, n_columns)`, as the contrast takes them (presence, log, value)."""


def tell(
    part: FeatureMatrix,
    concepts: Sequence[ConceptSpec],
    u: NDArray[Any],
    surface: Surface,
    pairs: Sequence[Pair],
) -> list[Told]:
    """Labels of the concepts of one lens that reads a model, with all their evidence.

    Columns that have names of their own keep them, and get a surface correlate.

    Args:
        part: features of the lens.
        concepts: its concepts.
        u: of these concepts, `(n_pairs, n_concepts)`.
        surface: the columns of the other lenses; may be empty.
        pairs: the rows.
    """
    if is_latent(part):
        return _tell_latents(part, concepts, u, surface, pairs)
    own = {c.id: c.label for c in part.columns}
    poles = pole_words(u, pairs) if part.fitted else [((), ()) for _ in concepts]
    out = []
    for spec, correlate, (high, low) in zip(
        concepts, strongest_correlates(u, surface.u, surface.ids, surface.labels), poles, strict=True
    ):
        label = own[spec.members[0]]
        if part.fitted:
            label = latent_label(spec, correlate, high, (), label, low)
        out.append(Told(label, correlate, high, low))
    return out


def _tell_latents(
    part: FeatureMatrix,
    concepts: Sequence[ConceptSpec],
    u: NDArray[Any],
    surface: Surface,
    pairs: Sequence[Pair],
) -> list[Told]:
    texts = [text_of(p.chosen) for p in pairs] + [text_of(p.rejected) for p in pairs]
    first: dict[str, int] = {}
    for i, text in enumerate(texts):
        first.setdefault(text, i)
    rows = np.array(list(first.values()))
    told_on = half_by_group([p.group for p in pairs])
    if told_on.all() or not told_on.any():
        told_on = np.arange(len(pairs)) % 2 == 0
    half = np.concatenate([told_on, told_on])[rows]
    share = firing_share(part, [c.members for c in concepts])[rows]
    found = strongest_correlates(u[told_on], surface.u[told_on], surface.ids, surface.labels)
    words, counts = count_words(first, min_texts=3)
    named = _firing_words(share, half, counts, words)
    place = {w: j for j, w in enumerate(words)}
    at = {name: j for j, name in enumerate(surface.ids)}
    peaks, fired = _peaks(part, concepts, rows, half, pairs)
    promotes = _promotes(part, concepts)
    tokens = [_common(t) for t in fired]
    seen = _count_tokens(list(first), {t for names in tokens for t in names})
    own = {c.id: c.label for c in part.columns}
    out = []
    for m, spec in enumerate(concepts):
        correlate = found[m]
        if correlate is not None:  # chosen on one half, its r is that of all rows
            r = correlations(u[:, [m]], surface.u[:, [at[correlate.concept]]])[0, 0]
            correlate = correlate.model_copy(update={"r": round(float(r), 4)})
        readouts = [np.asarray(counts[:, [place[w]]].todense()).ravel() for w in named[m][:NAMED_WORDS]]
        parts = [np.sum(readouts, axis=0)] if readouts else []
        parts += [seen[t] for t in tokens[m]]
        if correlate is not None:
            parts.append(surface.values[rows, at[correlate.concept]])
        out.append(
            Told(
                latent_label(spec, correlate, named[m], promotes[m], own[spec.members[0]], tokens=tokens[m]),
                correlate,
                named[m],
                tokens=tokens[m],
                promotes=promotes[m],
                peaks=peaks[m],
                fidelity=_fidelity(share[:, m], parts, half),
            )
        )
    return out


def firing_share(part: FeatureMatrix, members: Sequence[Sequence[str]]) -> NDArray[np.float32]:
    """The share of a concept's members that fire in each response, chosen first: `(2 n_pairs, n_concepts)`."""
    from scipy.sparse import vstack

    fires = vstack([part.values["chosen", "freq"], part.values["rejected", "freq"]], format="csr") > TAU
    return np.asarray((fires.astype(np.float32) @ member_weights(part, members)).todense())


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


def _fidelity(share: NDArray[Any], parts: Sequence[Floats], half: NDArray[np.bool_]) -> Fidelity | None:
    """Held-out agreement of a label with its concept.

    What the label names (its words' count, its surface correlate) is put together by least squares on the half
    that the label was made on; r is Pearson's, over the responses of the other half.
    """
    held = ~half
    if not parts or int((share[held] > 0).sum()) < MIN_FIRING:
        return None
    design = np.stack([np.ones(len(share)), *parts], axis=1)
    weights = np.linalg.lstsq(design[half], share[half], rcond=None)[0]
    guess = design[held] @ weights
    if np.ptp(guess) == 0 or np.ptp(share[held]) == 0:
        return Fidelity(r=0.0, n=int(held.sum()))
    return Fidelity(r=round(float(np.corrcoef(guess, share[held])[0, 1]), 4), n=int(held.sum()))


def _peaks(
    part: FeatureMatrix,
    concepts: Sequence[ConceptSpec],
    rows: NDArray[Any],
    half: NDArray[np.bool_],
    pairs: Sequence[Pair],
) -> tuple[list[tuple[Peak, ...]], list[list[str]]]:
    """Where each concept fires strongest: its members' activation in units of each one's largest.

    Returns:
        The strongest places of each concept, and the tokens of its `TOKENS_READ` strongest ones in the half of the
        responses that labels are made of.
    """
    from scipy.sparse import vstack

    if ("chosen", "peak") not in part.values:
        return [() for _ in concepts], [[] for _ in concepts]
    n = len(pairs)
    strength, where = (
        vstack([part.values["chosen", stat], part.values["rejected", stat]], format="csr")[rows].tocsc()
        for stat in ("max", "peak")
    )
    largest = np.maximum(np.asarray(strength.max(axis=0).todense()).ravel(), 1e-12)
    place = {c.id: j for j, c in enumerate(part.columns)}
    peaks, fired = [], []
    for spec in concepts:
        found = []
        for j in (place[g] for g in spec.members):
            cells = slice(strength.indptr[j], strength.indptr[j + 1])
            values = strength.data[cells] / largest[j]
            for k in np.argsort(-values, kind="stable")[: 3 * TOKENS_READ]:
                found.append((float(values[k]), int(strength.indices[cells][k]), int(where.data[cells][k])))
        seen: dict[int, Peak] = {}
        tokens: list[str] = []
        for value, row, code in sorted(found, key=lambda f: (-f[0], f[1])):
            i = int(rows[row])
            start, stop = peak_place(code)
            if stop <= start or row in seen:
                continue
            side: Literal["chosen", "rejected"] = "chosen" if i < n else "rejected"
            text = text_of(pairs[i % n].chosen if side == "chosen" else pairs[i % n].rejected)
            if half[row] and len(tokens) < TOKENS_READ:
                tokens.append(text[start:stop].strip(" ").lower() or " ")
            seen[row] = Peak(row=pairs[i % n].id, side=side, start=start, stop=stop, strength=round(value, 4))
            if len(tokens) == TOKENS_READ and len(seen) >= PEAKS:
                break
        peaks.append(tuple(seen.values())[:PEAKS])
        fired.append(tokens)
    return peaks, fired


def _common(tokens: Sequence[str]) -> tuple[str, ...]:
    """The tokens that hold at least a tenth of a concept's strongest places, the commonest first."""
    enough = max(2, len(tokens) / 10)
    return tuple(t for t, n in Counter(tokens).most_common(NAMED_TOKENS) if n >= enough)


def _count_tokens(texts: Sequence[str], tokens: set[str]) -> dict[str, Floats]:
    """log(1 + how often) each token stands in each text, `(n_texts,)`, in lower case; letters only where a word begins."""
    out: dict[str, Floats] = {}
    lower = [t.lower() for t in texts]
    for token in tokens:
        find = re.compile(rf"(?<!\w){re.escape(token)}" if token[:1].isalnum() else re.escape(token)).findall
        out[token] = np.log1p(np.array([len(find(t)) if token in t else 0 for t in lower], dtype=np.float64))
    return out


def _promotes(part: FeatureMatrix, concepts: Sequence[ConceptSpec]) -> list[tuple[str, ...]]:
    """Tokens that more than one of a concept's members promote, those of a single latent as they stand."""
    hints = {c.id: c.hints for c in part.columns}
    out = []
    for spec in concepts:
        votes: Counter[str] = Counter()
        names: dict[str, str] = {}
        for g in spec.members:
            for rank, token in enumerate(hints[g]):
                names.setdefault(token.lower(), token)
                votes[token.lower()] += 100 - rank
        enough = 100 if len(spec.members) > 1 else 0  # of a cluster: more than one member's
        out.append(tuple(names[t] for t, v in votes.most_common(WORDS) if v > enough))
    return out


def pole_words(
    u: NDArray[Any], pairs: Sequence[Pair], n: int = 8
) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Words that set apart the two poles of signed columns, which have no name for single responses.

    Of a row with u > 0 the chosen response lies towards the positive pole and the rejected one towards the negative;
    with u < 0 it is the other way round. The rows with the largest |u| count: a quarter of those where it is not 0,
    and at least 50.

    Args:
        u: `(n_pairs, n_concepts)`.
        pairs: the rows.
        n: most words of a pole.

    Returns:
        Words of the positive and of the negative pole, for each column.
    """
    texts = [text_of(p.chosen) for p in pairs] + [text_of(p.rejected) for p in pairs]
    words, counts = count_words(texts, min_texts=3)
    out = []
    for column in u.T:
        far = np.argsort(-np.abs(column), kind="stable")[: n_extreme(int((column != 0).sum()))]
        up, down = far[column[far] > 0], far[column[far] < 0]
        positive = np.asarray(counts[np.concatenate([up, down + len(pairs)])].sum(axis=0)).ravel()
        negative = np.asarray(counts[np.concatenate([down, up + len(pairs)])].sum(axis=0)).ravel()
        said = np.flatnonzero(positive + negative)
        poles = np.stack([positive, negative])[:, said]
        high, low = keywords(poles, poles.sum(axis=0), [words[j] for j in said], n)
        out.append((high, low))
    return out


def n_extreme(n_nonzero: int) -> int:
    """How many rows stand for the poles of a signed column."""
    return min(n_nonzero, max(MIN_EXTREME, n_nonzero // 4))


def shown(token: str) -> str:
    """A token as it is written in a label: line ends as ⏎, a space as ␣."""
    return token.replace("\n", "⏎").replace(" ", "␣").replace("\t", "⇥")


def latent_label(
    spec: ConceptSpec,
    correlate: Correlate | None,
    words: Sequence[str],
    promotes: Sequence[str],
    own: str,
    against: Sequence[str] = (),
    tokens: Sequence[str] = (),
) -> str:
    """A short name from the evidence, or what the lens itself calls it.

    Args:
        spec: the concept.
        correlate: its strongest surface correlate.
        words: its contrastive words.
        promotes: tokens that it makes likelier.
        own: the lens's own label of the first member.
        against: for a signed concept, the words of its negative pole.
        tokens: on which it fires strongest.
    """
    parts = []
    if correlate is not None:
        less = "less " if correlate.r < 0 else ""
        parts.append(f"{less}{correlate.label} (r={correlate.r:.2f})")
    if tokens:
        parts.append("on " + " ".join(f"“{shown(t)}”" for t in tokens))
    if words or against:
        poles = [", ".join(pole[:NAMED_WORDS]) or "none" for pole in (words, against)]
        parts.append(f"words: {poles[0]}" + (f" against {poles[1]}" if against else ""))
    if not parts and promotes:
        parts.append("promotes: " + ", ".join(promotes[:NAMED_WORDS]))
    if not parts:
        return own if spec.kind == "feature" else f"{len(spec.members)} latents without a telling word"
    return "; ".join(parts)
