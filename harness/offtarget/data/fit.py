"""Is a set fit to audit, and what weighs on it: the verdict of `data check` in one sentence."""

from collections import Counter
from collections.abc import Iterable, Sequence

from pydantic import BaseModel, ConfigDict

from offtarget.data.pairs import Pair
from offtarget.data.texts import Debris, StockSide, Texts

MIN_PAIRS, MIN_PROMPTS = 30, 10
"""What an audit needs; so many prompts also when weighed by their rows (`effective_groups`)."""
LOPSIDED = 0.05
"""Difference in share between chosen and rejected from which on debris tells the sides apart."""
MOSTLY = 0.9
"""Share of a side, or of the rows, that is as good as all of it."""


class Fit(BaseModel):
    """The verdict on a set."""

    model_config = ConfigDict(frozen=True, extra="forbid")

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


def effective_groups(pairs: Sequence[Pair]) -> float:
    """As how many groups of equal size the rows come from (Kish: n² over the sum of squared sizes)."""
    sizes = Counter(p.group for p in pairs).values()
    return sum(sizes) ** 2 / sum(n * n for n in sizes)


def needs(pairs: Sequence[Pair], unit: str = "") -> str:
    """What is missing for an audit; empty where nothing is.

    Args:
        pairs: the rows.
        unit: the column whose values are their groups, in words; empty where prompts are.
    """
    n_groups, effective = len({p.group for p in pairs}), effective_groups(pairs)
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
