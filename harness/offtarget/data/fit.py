"""Is a set fit to audit, and what weighs on it: the verdict of `data check` in one sentence."""

from collections.abc import Iterable, Sequence

from offtarget.data.linked import Linked, kish
from offtarget.data.pairs import Pair
from offtarget.data.texts import Debris, StockSide, Texts
from offtarget.records import Record

MIN_PAIRS, MIN_PROMPTS = 30, 10
"""What an audit needs; this many prompts also when weighed by their rows (`linked.kish`)."""
LOPSIDED = 0.05
"""Difference in share between chosen and rejected from which on debris tells the sides apart."""
MOSTLY = 0.9
"""Share of a side, or of the rows, that is as good as all of it."""


class Fit(Record):
    """The verdict on a set."""

    audit: bool
    """Whether there are enough pairs and prompts to test anything."""
    needs: str = ""
    """What is missing, where not."""
    weighs: tuple[str, ...] = ()
    """What a reader of the audit must know of the rows, the gravest first."""

    @property
    def told(self) -> str:
        """The verdict in words."""
        if not self.audit:
            return "no: " + self.needs + ("; also " + ", ".join(self.weighs) if self.weighs else "")
        return "yes" + (", but " + ", ".join(self.weighs) if self.weighs else "")


def needs(pairs: Sequence[Pair], unit: str = "", link: Linked | None = None) -> str:
    """What is missing for an audit; empty where nothing is.

    Args:
        pairs: the rows.
        unit: the column whose values are their groups, in words; empty where prompts are.
        link: their units where answers are under several prompts; None where a person said what the units are.
    """
    n_groups, effective = len({p.group for p in pairs}), kish(p.group for p in pairs)
    wanted = f"at least {MIN_PAIRS} pairs from {MIN_PROMPTS} prompts are needed"
    if unit and (len(pairs) < MIN_PAIRS or effective < MIN_PROMPTS):
        return (
            f"{counted(len(pairs), 'pair')} in {counted(n_groups, 'group')} ({unit}), and at least {MIN_PAIRS} pairs in "
            f"{MIN_PROMPTS} groups are needed; --columns group=prompt makes prompts the groups"
        )
    if len(pairs) < MIN_PAIRS or n_groups < MIN_PROMPTS:
        return f"{counted(len(pairs), 'pair')} from {counted(n_groups, 'prompt')}, and {wanted}"
    if effective < MIN_PROMPTS:
        return f"{len(pairs)} pairs from {n_groups} prompts, as good as {effective:.1f} of equal size, and {wanted}"
    if link is not None and link.effective < MIN_PROMPTS:
        return f"{link.told}, and at least {MIN_PROMPTS} units are needed"
    return ""


def counted(n: int, what: str, does: str = "") -> str:
    """A number and its noun, and a verb where one is given."""
    noun, verb = (what, does + "s" * bool(does)) if n == 1 else (what + "s", does)
    return f"{n:,} {noun} {verb}".rstrip()


def percent(share: float) -> str:
    """A share in whole percent, but never 0 or 100 for what is not."""
    if 0 < share < 0.005:
        return "under 1 %"
    if 0.995 < share < 1:
        return "over 99 %"
    return f"{100 * share:.0f} %"


def is_lopsided(found: Debris, n_pairs: int) -> bool:
    """Whether debris tells the sides apart."""
    return abs(found.n_chosen - found.n_rejected) >= LOPSIDED * n_pairs


def debris_told(found: Iterable[Debris], n_pairs: int) -> list[str]:
    """Debris that tells the sides apart, in words."""
    return [
        f"{d.told} in {percent(d.n_chosen / n_pairs)} of chosen and {percent(d.n_rejected / n_pairs)} of rejected"
        for d in found
        if is_lopsided(d, n_pairs)
    ]


def stock_told(sides: dict[str, StockSide], n_pairs: int) -> list[str]:
    """Sides of which stock answers make a large part, in words."""
    out = []
    for side, found in sides.items():
        n, share = len(found.answers), found.n_rows / n_pairs
        if found.n_rows >= n_pairs:
            part = "all"
        elif share >= MOSTLY / 9:
            part = percent(share)
        else:
            continue
        out.append(f"{counted(n, 'text', 'make')} {part} of {side}")
    return out


def templates_told(texts: Texts, n_pairs: int) -> str:
    """How many rows fill templates, in words."""
    many = f"all {n_pairs:,}" if texts.n_filled == n_pairs else f"{texts.n_filled:,} of {n_pairs:,}"
    return f"the prompts of {many} rows fill {'one template' if texts.n_templates == 1 else f'{texts.n_templates} templates'}"
