"""What is above and below the tables of a board, in sentences."""

from offtarget.board.estimate import Estimate, Scored
from offtarget.board.labels import in_words, short_name, usual_verdicts
from offtarget.board.measure import ALPHA, SIGNAL_T
from offtarget.board.records import Board, Row
from offtarget.evals.contrast import SEEDS_NEEDED
from offtarget.report.html import fixed, p_value

METHOD = (
    f"Under {SEEDS_NEEDED} training seeds nothing is claimed of a protocol: another seed gives another policy, and how far "
    "apart they lie is not known. Such rows show scores and n; `sampling` is the interval of prompts and sampling alone, "
    "of the policies that were trained and no others.",
    "Intervals are 95 %, and with p and q hold the noise of prompts, sampling and training seeds: "
    "h² = t²·V(prompts, clustered) + t²·Σ s²/S over the trained policies, each part with its own degrees of freedom (of the "
    "seeds: Satterthwaite's). Those of shares "
    "are Wilson's on the effective number of samples. q is Benjamini-Hochberg over the row's behaviours of the same role; "
    "against blind controls over all rows of the board.",
    "Recovery = (dpo − protocol)/(dpo − start), the share of plain DPO's change on a target behaviour that the protocol "
    "takes back: 1 is back at start, 0 is plain DPO. Half of the prompts (by a hash of their ids) decide whether there is "
    f"signal: plain DPO at least {SIGNAL_T:g} standard errors from start, p < {ALPHA:g}. Recovery is measured on the other "
    "half, so it need not be the ratio of the scores shown. Its interval is Fieller's set; not determined: the set has no "
    "bounds.",
    "Blind control: the protocol that does the same to pairs chosen blindly, as the protocol's card declares "
    "(`control=`), at the same strength. The difference from it is paired by sample, in the behaviour's own unit, and "
    "needs no ratio.",
    "Amplification = protocol − dpo, of each target in its own unit and in sample standard deviations of plain DPO. A mean "
    "over several targets is of those standard deviations, which are not the same change everywhere: it ranks, and says "
    "no more.",
    "Drift = mean over the off-target behaviours of the size of the shift from start, in sample standard deviations of "
    "start, each with its noise taken off: √max(0, shift² − V). Its interval is the mean of those of the sizes, each at "
    "1 − 0.05/B for B behaviours; where nothing drifts it holds 0 in at least 95 %. Drifted: those with q < 0.05.",
    "Pairs touched: the share of training pairs that are not trained on as plain DPO would; a strength that is a share is "
    "the most that may be, and fewer are where no more pairs teach against the decision.",
    "Capability: mean change over the capability behaviours; positive is better.",
    "Front: the share of draws of that noise in which no other row of the same intent is at least as good in recovery "
    "(amplification, where that was asked for), drift and capability and better in one; marked from 0.5 on. Start and "
    "plain DPO are references and not marked. There is no single score.",
    "A missing score is missing: a mean over fewer behaviours would be another number, so none is given. Unscored: the "
    "largest share of answers without a score (empty or failed) on a behaviour; above 5 % it is listed among the limits, with "
    "the value that it would give if all of them were best or worst.",
)


def with_ci(e: Estimate, places: int = 2, *, sign: bool = False) -> str:
    """`0.75 [0.61, 0.88]`; for scores of too few seeds `0.75 (sampling 0.61 to 0.88)`; or why there is no number."""
    if e.value is None:
        return e.note or "–"
    text = fixed(e.value, places, sign=sign)
    if e.ci is not None:
        return text + f" [{fixed(e.ci[0], places, sign=sign)}, {fixed(e.ci[1], places, sign=sign)}]"
    if isinstance(e, Scored) and e.sampling_ci is not None:
        low, high = (fixed(x, places, sign=sign) for x in e.sampling_ci)
        return f"{text} (sampling {low} to {high})"
    return text


def title(b: Board) -> str:
    """Dataset, model and targets."""
    return " · ".join([b.dataset, b.model, *(["target " + " and ".join(b.signal)] if b.signal else [])])


def facts(b: Board) -> list[str]:
    """What the board says, most important first: what plain DPO does, what goes beyond a blind control, short names."""
    lines = [line for name in b.signal if (line := _plain(b, name))]
    lines += _beyond(b)
    usual = usual_verdicts([r.verdicts for r in b.rows if r.kind == "protocol"])
    if usual:
        odd = any(r.verdicts != usual for r in b.rows if r.kind == "protocol")
        lines.append(f"Decided{', where a row says nothing else' if odd else ''}: {in_words(usual, strength=True)}.")
    short = {name: r.verdicts for r in b.rows if (name := short_name(r.verdicts)) in r.label}
    return lines + [
        f"{name.capitalize()}: {in_words(verdicts, strength=True)}." for name, verdicts in sorted(short.items())
    ]


def compared(b: Board) -> list[Row]:
    """The rows that are compared: references, and protocols with seeds enough; empty where that leaves no protocol."""
    rows = [r for r in b.rows if not r.provisional]
    return rows if any(r.kind != "start" for r in rows) else []


def amplifies(b: Board) -> bool:
    """Whether some row that is compared was asked to amplify."""
    return any(r.intent in {"amplify", "both"} for r in compared(b))


def against_control(r: Row) -> list[str]:
    """The row minus its blind control on each target, and what the control takes back; why not, where there is none."""
    if r.kind != "protocol":
        return []
    targets = [x for x in r.behaviours if x.role == "target"]
    if not r.control:
        return ["no blind control"] if targets else []
    out = []
    for x in targets:
        name = f"{x.behaviour} " if len(targets) > 1 else ""
        q = "" if x.q_control is None else f", q\u00a0{p_value(x.q_control)}"
        bare = x.vs_control.ci is None and x.vs_control.value is not None
        out.append("too few seeds" if bare else f"{name}{with_ci(x.vs_control, 3, sign=True)}{q}")
    taken = "" if r.control_recovery.note == "not asked" else f": recovery {with_ci(r.control_recovery)}"
    return [*out, f"{r.control}{taken}"]


def amplified(r: Row) -> list[str]:
    """What a row adds to plain DPO on each target, in its own unit and in standard deviations of plain DPO."""
    if r.kind != "protocol":
        return ["reference"]
    if r.intent not in {"amplify", "both"}:
        return ["not asked"]
    out = []
    for x in r.behaviours:
        if x.role != "target":
            continue
        if x.amplification.value is None or x.amplification.ci is None:
            out.append(x.amplification.note or "–")
            continue
        own = with_ci(x.vs_dpo, 3, sign=True)
        out.append(f"{x.behaviour} {own} {x.unit} ({with_ci(x.amplification, sign=True)} sd of dpo)")
    return list(dict.fromkeys(out))


def seeds(r: Row) -> str:
    """How many training seeds a row has, and which."""
    if r.kind == "start":
        return "–"
    return f"{len(r.seeds)} ({'seed' if len(r.seeds) == 1 else 'seeds'} {', '.join(map(str, r.seeds))})"


def status(r: Row) -> str:
    """Why a row is none of those that are compared."""
    return r.provisional or ("" if r.kind == "protocol" else "reference")


def drifted(r: Row) -> str:
    """`1 of 2 (verbosity)`."""
    if r.drifted is None:
        return "–"
    names = f" ({', '.join(r.drifted)})" if r.drifted else ""
    return f"{len(r.drifted)} of {r.drift_tested}{names}"


def unscored(r: Row) -> str:
    """The largest share of unscored answers, and where."""
    return f"{r.unscored:.0%} ({r.unscored_on})" if r.unscored else "0%"


def front(r: Row) -> str:
    """`yes (0.83)`: whether a row is on the front, and in what share of draws."""
    if r.front_share is None:
        return ""
    return f"{'yes' if r.front else 'no'} ({fixed(r.front_share)})"


def _plain(b: Board, name: str) -> str:
    """What plain DPO changes on a target, with its noise where that is known, and seed by seed."""
    taught = [t for t in b.taught if t.behaviour == name and t.difference is not None]
    if not taught:
        return ""
    by_seed = ", ".join(f"seed {t.seed} {fixed(t.difference, 3, sign=True)}" for t in taught)
    plain = next((x for r in b.rows if r.kind == "plain" for x in r.behaviours if x.behaviour == name), None)
    if plain is None or plain.q_start is None:
        return f"Plain DPO minus start on {name}: {by_seed}."
    change = with_ci(plain.vs_start, 3, sign=True)
    return f"Plain DPO minus start on {name}: {change} (p {p_value(plain.q_start)}; {by_seed})."


def _beyond(b: Board) -> list[str]:
    """Which protocols do more than their blind control at q < 0.05."""
    tested = [(r, x) for r in b.rows for x in r.behaviours if x.q_control is not None]
    if not tested:
        return []
    found = []
    for r, x in tested:
        if x.q_control is None or x.q_control >= ALPHA:
            continue
        change = f"{with_ci(x.vs_control, 3, sign=True)} on {x.behaviour}"
        if x.recovery.value is not None and r.control_recovery.value is not None:
            taken = (
                f"takes back {_share(x.recovery)} of what plain DPO changed, {r.control} {_share(r.control_recovery)}"
            )
            found.append(f"{r.label} {taken}; difference {change}")
        else:
            found.append(f"{r.label}: {change}, against {r.control}")
    if not found:
        return [f"No protocol differs from its blind control at q < {ALPHA:g} ({len(tested)} tested)."]
    many = f"q < {ALPHA:g}; {len(found)} of {len(tested)} tested"
    return [f"Differs from its blind control ({many}): {line}." for line in found]


def _share(e: Estimate) -> str:
    """`86 % [75, 96]`."""
    ci = "" if e.ci is None else f" [{fixed(100 * e.ci[0], 0)}, {fixed(100 * e.ci[1], 0)}]"
    return f"{fixed(None if e.value is None else 100 * e.value, 0)}\u00a0%{ci}"
