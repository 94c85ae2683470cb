"""What a reader must know before believing an audit: poor lenses, small or repeated data."""

from collections.abc import Mapping, Sequence

from offtarget.audit.records import Family, View
from offtarget.audit.statistics.means import Ints, effective_groups
from offtarget.audit.stock_records import StockTexts
from offtarget.data.drops import drop_cautions
from offtarget.data.identity import letters_of, pair_keys
from offtarget.data.pairs import Pair, PairSet
from offtarget.data.repeats import but_for, n_contradicted, n_repeats, same_sides
from offtarget.data.stock import effective_texts
from offtarget.lens.features import FeatureMatrix

GOOD_VARIANCE = 0.6
FEW_PAIRS = 500
FEW_GROUPS = 50
MUCH_STOCK = 0.1
"""Share of a side that its stock answers make, all together, from which on they are a caution."""
NAMED = 8
"""Columns that one line names."""
MANY_CUT = 0.3
"""From this share of pairs cut at a lens's limit on, it is said."""


def cautions(
    pairs: PairSet,
    features: Sequence[FeatureMatrix],
    codes: Ints,
    unit: str = "prompts",
    stock: Sequence[StockTexts] = (),
) -> list[str]:
    """One sentence for each thing that weakens the audit.

    Args:
        pairs: the rows.
        features: the lenses.
        codes: unit of each row: its prompt, a template of prompts, or rows that share their answers.
        unit: what to call those, in the plural.
        stock: the stock answers.
    """
    out = [*drop_cautions(pairs), *pairs.cautions]
    for part in features:
        explained = part.info.get("variance_explained")
        if isinstance(explained, int | float) and explained < GOOD_VARIANCE:
            out.append(
                f"lens '{part.lens}' explains {explained:.0%} of the variance of the activations, under "
                f"{GOOD_VARIANCE:.0%}: what it misses, this audit misses"
            )
        cut = part.info.get("n_truncated")
        if isinstance(cut, int) and cut >= MANY_CUT * len(pairs):
            reads = f"reads {part.info['max_length']} tokens" if "max_length" in part.info else "has a limit"
            out.append(
                f"lens '{part.lens}' {reads} of prompt and answer, and {cut / len(pairs):.0%} of the pairs ({cut:,} of "
                f"{len(pairs):,}) are longer and were cut there: raise --max-length, or read its findings as of the "
                "beginnings of answers"
            )
        out += part.info.get("cautions", [])
    n, n_groups, effective = len(pairs), int(codes.max()) + 1, effective_groups(codes)
    if n < FEW_PAIRS:
        out.append(f"only {n} pairs: intervals are wide, and a concept not found may still be there")
    if effective < FEW_GROUPS:
        out.append(
            f"the rows come from {n_groups} {unit} (as good as {effective:.0f} of equal size): effects "
            f"speak for few {unit}"
        )
    if pairs.n_renamed:
        out.append(
            f"ids that are in the source more than once: {pairs.n_renamed}; such rows have a suffix here (-2, -3, ...)"
        )
    return out + _repeats(pairs.pairs) + _stock(pairs.pairs, stock)


def by_row(features: Sequence[FeatureMatrix], tested: Sequence[str]) -> list[str]:
    """One line on columns that hold for the whole pair, where a lens reads columns; none that are tested anyway.

    Args:
        features: the lenses.
        tested: columns of the fourth view.
    """
    names = [n for part in features for n in part.info.get("row_level", []) if n not in tested]
    if not names:
        return []
    shown, more = ", ".join(names[:NAMED]), len(names) - NAMED
    return [
        f"{shown}{f' and {more} more' if more > 0 else ''} hold{'s' if len(names) == 1 else ''} for the whole pair, so "
        f"nothing can lean by {'it' if len(names) == 1 else 'them'} alone: use --by {','.join(names[:NAMED])}"
    ]


def _stock(pairs: Sequence[Pair], stock: Sequence[StockTexts]) -> list[str]:
    """How the test over the whole set takes the stock answers of a side that make a tenth or more of it."""
    out = []
    for found in stock:
        share = found.chosen_rate if found.side == "chosen" else found.rejected_rate
        if share < MUCH_STOCK:
            continue
        texts = "1 text makes" if found.n_texts == 1 else f"{found.n_texts} texts make"
        must = {
            "by text": "over the whole set a finding must hold with each of these texts as one unit too",
            "without": f"over the whole set a finding must hold in the {found.n_without:,} rows without such texts too",
            "no": f"only {found.n_without:,} rows are without such texts, too few to tell over the whole set what else leans",
        }[found.tested]
        out.append(
            f"{texts} {'all' if share == 1 else f'{share:.0%}'} of {found.side}, which is as good as "
            f"{effective_texts(pairs, found.side):.0f} different answers: {must}; in parts of it what is found speaks for "
            "these texts"
        )
    return out


def unreliable(families: Mapping[View, Family]) -> list[str]:
    """A sentence for each view in which noise finds something too often."""
    out = []
    for view, family in families.items():
        if family.unreliable and family.shuffled is not None:
            null = family.shuffled
            noise = (
                "chosen and rejected swapped at random" if null.kind == "labels" else "its contexts dealt out at random"
            )
            out.append(
                f"the {view} view is unreliable: with {noise}, something is found in {null.any_finding:.0%} of {null.n} draws"
            )
    return out


def _repeats(pairs: Sequence[Pair]) -> list[str]:
    out = []
    keys, letters = pair_keys(pairs), letters_of(pairs)
    if extra := n_repeats(pairs, keys):
        but = but_for(extra, n_repeats(pairs, letters))
        out.append(f"rows that repeat another one (same prompt, chosen and rejected{but}): {extra}")
    if same := len(same_sides(pairs, keys)):
        but = but_for(same, len(same_sides(pairs, letters)))
        out.append(f"rows whose chosen and rejected texts are equal{but}, which teach nothing: {same}")
    if against := n_contradicted(pairs, keys):
        but = but_for(against, n_contradicted(pairs, letters))
        out.append(f"rows that contradict another one (same prompt and texts{but}, the other side chosen): {against}")
    return out
