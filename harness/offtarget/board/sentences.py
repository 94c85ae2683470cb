"""What is above and below the tables of a board, in sentences."""

from offtarget.board.estimate import Estimate, Scored
from offtarget.board.labels import in_words, short_name, usual_verdicts
from offtarget.board.measure import ALPHA, SIGNAL_T
from offtarget.board.records import BehaviourRow, Board, Row
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
    "Off-target matrix: the shift of every behaviour from start, in sample standard deviations of start; q is "
    "Benjamini-Hochberg over all trained rows and behaviours of the board, so it is larger than the q of one row.",
    "Cost of a cell: mean wall-clock time on whatever machine made it, and how many forward passes over the training pairs "
    "making the policy is worth: one for the reference log-probabilities, and for every pass of training two with LoRA and "
    "three with all weights. Sampling of answers is not in it.",
    "Capability: mean change over the capability behaviours; positive is better.",
    "Front: the share of draws of that noise in which no other row of the same intent is at least as good in recovery "
    "(amplification, where that was asked for), drift and capability and better in one; marked from 0.5 on. Start and "
    "plain DPO are references and not marked. There is no single score.",
    "Unverified: cells of a protocol that lives elsewhere (`contrib/NAME.yaml` points to it), of which no seed was run again.",
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
    """Dataset, model and targets, and whether another program trained the policies."""
    target = ["target " + " and ".join(b.signal)] if b.signal else []
    mark = ["trained elsewhere"] if any("elsewhere" in r.modes for r in b.rows) else []
    return " · ".join([b.dataset, b.model, *target, *mark])


def lead(b: Board) -> str:
    """The result of a board in one sentence: the best protocol beyond its blind control, or why there is none."""
    rows = {r.kind: r for r in b.rows}
    if "start" not in rows or "plain" not in rows:
        lacks = "plain DPO" if "start" in rows else "the model before training"
        return f"No protocol can be compared: {lacks} is not on this board."
    if not b.signal:
        return "No target behaviour was scored, so nothing can be said to be taken back."
    if rows["plain"].provisional:
        n = len(rows["plain"].seeds)
        return (
            f"Nothing is claimed here: plain DPO was trained with {n} seed{'s' if n > 1 else ''}, and a claim needs "
            f"{SEEDS_NEEDED}; {_provisionally(b)}."
        )
    if best := beyond_control(b):
        return _took_back(b, *best)
    changed = _changed(b)
    if not any(b.signal.values()) and not amplifies(b):
        so = "nothing can be said to be taken back" if None in b.signal.values() else "there is nothing to take back"
        return f"{changed[0].upper()}{changed[1:]}, so {so}."
    protocols = [r for r in compared(b) if r.kind == "protocol"]
    if n := sum(r.intent != "both" for r, _ in _tested(b)):
        return f"No protocol does more than its blind control at q < {ALPHA:g} ({_comparisons(n)} tested); {changed}."
    if _tested(b):
        only = "Only rows asked both to suppress and to amplify could be compared with a blind control"
        return f"{only}, so no protocol can be said to do more; {changed}."
    if not protocols:
        return f"No protocol has the {SEEDS_NEEDED} training seeds that a claim needs; {changed}."
    lacks = "can be compared" if any(r.control for r in protocols) else "is on this board"
    return f"No protocol can be told from the same done blindly, as no blind control {lacks}; {changed}."


def beyond_control(b: Board) -> tuple[Row, BehaviourRow] | None:
    """Of the rows that do more than their blind control at q < 0.05, the one that takes back most.

    Where none takes back, the one that amplifies most. None without start or with plain DPO of too few seeds.
    """
    found = [(r, x) for r, x in _differing(b) if _more(b, r, x)]
    back = [(r, x) for r, x in found if r.intent != "amplify"]
    if back:
        return max(back, key=lambda f: f[1].recovery.value or 0.0)
    return max(found, key=lambda f: f[1].amplification.value or 0.0, default=None)


def facts(b: Board) -> list[str]:
    """What the lead does not say: what else was tested against controls, plain DPO seed by seed, short names."""
    lines = _others(b) + [line for name in b.signal if (line := _plain(b, name))]
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
    said = r.provisional or ("" if r.kind == "protocol" else "reference")
    again = f"made again: {r.made_again}" if r.made_again else ""
    return "; ".join(filter(None, (said, "unverified" if r.unverified else "", again)))


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
    """What plain DPO changes on a target, seed by seed; where the lead says it with its interval, the seeds alone."""
    taught = [t for t in b.taught if t.behaviour == name and t.difference is not None]
    plain = _of(b, "plain", name)
    if not taught or plain is None or plain.q_start is None:
        return ""
    by_seed = ", ".join(f"seed {t.seed} {fixed(t.difference, 3, sign=True)}" for t in taught)
    change = "" if _change(plain) in b.lead else f"{with_ci(plain.vs_start, 3, sign=True)}; "
    return f"Plain DPO minus start on {name}: {change}{by_seed} (p {p_value(plain.q_start)})."


def _others(b: Board) -> list[str]:
    """What was tested against blind controls beside the row of the lead."""
    best, differing = beyond_control(b), _differing(b)
    rest = [f for f in differing if f != best]
    out = []
    if best:
        n = len(_tested(b))
        also = f"; {len(rest)} more differ{'s' if len(rest) == 1 else ''} at q < {ALPHA:g}" if rest else ""
        none = "" if rest or n == 1 else f"; no other differs at q < {ALPHA:g}"
        difference = with_ci(best[1].vs_control, 3, sign=True)
        out.append(
            f"Its difference from the control: {difference} ({best[1].unit}). "
            f"Compared with a blind control: {_comparisons(n)}{also or none}."
        )
    for r, x in rest:
        theirs = next((y for y in _control(b, r).behaviours if y.behaviour == x.behaviour), None)
        change = f"{with_ci(x.vs_control, 3, sign=True)} on {x.behaviour}, q\u00a0{p_value(x.q_control)}"
        taken = ""
        if x.recovery.value is not None and theirs is not None and theirs.recovery.value is not None:
            taken = f" takes back {_share(x.recovery)}, {r.control} {_share(theirs.recovery)};"
        verb = "Does more than" if _more(b, r, x) else "Differs from"
        out.append(f"{verb} its blind control: {r.label}{taken or ','} {change}.")
    return out


def _took_back(b: Board, r: Row, x: BehaviourRow) -> str:
    """The lead of a board on which a row does more than its blind control."""
    theirs = next(y for y in _control(b, r).behaviours if y.behaviour == x.behaviour)
    if r.intent == "amplify":
        mine, other = (with_ci(y.vs_dpo, 3, sign=True) for y in (x, theirs))
        said = f"{r.label} changed {x.behaviour} by {mine} ({x.unit}) beyond plain DPO"
    else:
        mine, other = _share(x.recovery), _share(theirs.recovery)
        plain = _of(b, "plain", x.behaviour)
        rose = plain is not None and (plain.vs_start.value or 0.0) > 0
        of = f"the {x.behaviour} that plain DPO taught" if rose else f"what plain DPO took from {x.behaviour}"
        said = f"{r.label} took back {mine} of {of}"
    return f"{said}; {r.control}, its blind control, {other}; they differ (q\u00a0{p_value(x.q_control)})."


def _changed(b: Board) -> str:
    """What can be said of plain DPO on every target: changed and by how much, not clearly, or not to be said."""
    heard, silent, unknown = ([x for x, s in b.signal.items() if s is w] for w in (True, False, None))
    out = [f"plain DPO changed {', '.join(_change(x) for n in heard if (x := _of(b, 'plain', n)))}"] if heard else []
    if silent:
        out.append(f"on the prompts where that is asked, plain DPO did not clearly change {' and '.join(silent)}")
    if unknown:
        out.append(f"whether plain DPO changed {' and '.join(unknown)} cannot be said")
    return "; ".join(out)


def _provisionally(b: Board) -> str:
    """What the few seeds of plain DPO changed, seed by seed, on every target."""
    by = {
        name: [fixed(t.difference, 3, sign=True) for t in b.taught if t.behaviour == name and t.difference is not None]
        for name in b.signal
    }
    known = ", ".join(f"{name} by {' and '.join(seeds)}" for name, seeds in by.items() if seeds)
    unknown = " and ".join(name for name, seeds in by.items() if not seeds)
    parts = [f"it changed {known}"] if known else []
    return "; ".join([*parts, *([f"whether it changed {unknown} cannot be said"] if unknown else [])])


def _comparisons(n: int) -> str:
    """Of a row with its blind control on one target each."""
    return f"{n} comparison{'' if n == 1 else 's'}"


def _change(plain: BehaviourRow) -> str:
    return f"{plain.behaviour} by {with_ci(plain.vs_start, 3, sign=True)}"


def _of(b: Board, kind: str, name: str) -> BehaviourRow | None:
    return next((x for r in b.rows if r.kind == kind for x in r.behaviours if x.behaviour == name), None)


def _control(b: Board, r: Row) -> Row:
    return next(c for c in b.rows if c.label == r.control)


def _tested(b: Board) -> list[tuple[Row, BehaviourRow]]:
    """Rows and targets that could be compared with a blind control; of rows of which something is claimed.

    None where start or plain DPO is missing or plain DPO has too few seeds: the lead then compares nothing.
    """
    if not {"start", "plain"} <= {r.kind for r in b.rows if not r.provisional}:
        return []
    return [(r, x) for r in compared(b) for x in r.behaviours if x.q_control is not None]


def _differing(b: Board) -> list[tuple[Row, BehaviourRow]]:
    return [(r, x) for r, x in _tested(b) if x.q_control is not None and x.q_control < ALPHA]


def _more(b: Board, r: Row, x: BehaviourRow) -> bool:
    """Whether a row that differs from its control does more of what was asked: away from plain DPO's change, or up.

    Of a row that was asked to do both it is not known which was asked of this target, so nothing is said.
    """
    if r.intent == "both":
        return False
    apart = x.vs_control.value or 0.0
    if r.intent == "amplify":
        return apart > 0 and (x.vs_dpo.value or 0.0) > 0
    plain = _of(b, "plain", x.behaviour)
    taught = 0.0 if plain is None else plain.vs_start.value or 0.0
    return bool(b.signal.get(x.behaviour)) and apart * taught < 0 and (x.recovery.value or 0.0) > 0


def _share(e: Estimate) -> str:
    """`86 % [75, 96]`, or why there is no share."""
    if e.value is None:
        return e.note or "–"
    ci = "" if e.ci is None else f" [{fixed(100 * e.ci[0], 0)}, {fixed(100 * e.ci[1], 0)}]"
    return f"{fixed(100 * e.value, 0)}\u00a0%{ci}"
