"""What to bear in mind when reading a board."""

from collections.abc import Sequence

from offtarget.board.cell import PLAIN, START, Cell
from offtarget.board.group import evaluation_of
from offtarget.board.measure import Reference
from offtarget.board.records import Row
from offtarget.board.rows import many_unscored
from offtarget.board.rules import scored_by_rule
from offtarget.board.strata import cut_in_file_order
from offtarget.evals.contrast import SEEDS_NEEDED
from offtarget.evals.scores import BehaviourScore
from offtarget.models import EMBEDDED, GGUF_SHA256

MANY_CUT = 0.1
"""From this share of cut answers on, a board says so."""
EMBEDDED_LIMITS = (
    "Model: a finished instruct model of 135M parameters, dequantised from 4 bits, so `start` is not a fresh SFT."
)


def limits_of(first: Cell, reference: Reference, rows: Sequence[Row], scores: Sequence[BehaviourScore]) -> list[str]:
    """One sentence for each thing that the figures of a board do not say.

    Args:
        first: any cell of the board.
        reference: start and plain DPO.
        rows: of the board.
        scores: of all its cells.
    """
    out = []
    if first.manifest.model_identity == GGUF_SHA256 or first.spec.model == EMBEDDED:
        out.append(EMBEDDED_LIMITS)
    if not reference.plain:
        out.append(f"No plain DPO (protocol `{PLAIN}`) at these rows and budget: recovery cannot be given.")
    if not reference.start:
        out.append(f"No cell of the model before training (`{START}`): all comparisons need one.")
    silent = [b for b, s in reference.signal.items() if s is False]
    if silent:
        out.append(
            f"No signal on {', '.join(silent)}: on the half of the prompts where that is asked, plain DPO does not differ "
            "from start clearly enough for a share of its change to mean anything."
        )
    out += _seeds(reference, rows)
    out += [
        f"{r.label}: {r.unscored:.0%} of the answers on {r.unscored_on} have no score (empty or failed). Its figures rest "
        f"on the others{_bounds(r)}; it is not marked as on the front."
        for r in rows
        if many_unscored(r)
    ]
    out += [f"{line}." for line in (*scored_by_rule(scores), *cut_in_file_order(scores))]
    if line := _cut(first, reference):
        out.append(line)
    out += _chosen(first, rows)
    return out


def _seeds(reference: Reference, rows: Sequence[Row]) -> list[str]:
    few = [r for r in rows if r.provisional]
    if not few:
        return []
    if 0 < reference.plain_seeds < SEEDS_NEEDED:
        return [
            "Scores are those of the policies that were trained: what another training seed would give is not known. Run "
            f"{SEEDS_NEEDED} seeds."
        ]
    return [
        f"Nothing is claimed of provisional rows: under {SEEDS_NEEDED} seeds it is not known what another seed would give. "
        "Their scores are those of the policies that were trained."
    ]


def _bounds(r: Row) -> str:
    """How far the missing answers could move a row's score and recovery."""
    (b,) = [x for x in r.behaviours if x.behaviour == r.unscored_on]
    if b.score.bounds is None:
        return ""
    said = f"; the score would be {b.score.bounds[0]:.3f} to {b.score.bounds[1]:.3f} with them"
    if b.recovery_bounds is not None:
        said += f", recovery {b.recovery_bounds[0]:.2f} to {b.recovery_bounds[1]:.2f}".replace("-", "−")
    return said


def _chosen(first: Cell, rows: Sequence[Row]) -> list[str]:
    """Where strengths were chosen, and whether on the policies that are reported."""
    options = evaluation_of(first)
    if options.get("part") != "test":
        return []
    line = "Measured on two thirds of the prompts: the others are kept for development, where strengths were chosen"
    seed = options.get("selected_with")
    reported = sorted({s for r in rows if r.kind != "start" for s in r.seeds})
    if seed is None:
        return [f"{line}; with which training seed is not recorded, so it may be one that is reported here."]
    if seed in reported:
        return [
            f"{line}, with training seed {seed}, which is also reported: what luck chose there is still in its scores."
        ]
    return [f"{line}, with training seed {seed}, which is not among those reported."]


def _cut(first: Cell, reference: Reference) -> str:
    """What is to be said of answers that were cut at the token limit, where those are many."""
    shares = {}
    for name, scores in ((START, reference.start), ("plain DPO", reference.plain)):
        found = [
            float(s.details["truncated"]) for one in scores.values() for s in one.values() if "truncated" in s.details
        ]
        if found:
            shares[name] = sum(found) / len(found)
    if max(shares.values(), default=0.0) < MANY_CUT:
        return ""
    tokens = evaluation_of(first).get("max_tokens")
    at = f"{tokens} tokens" if tokens else "the token limit"
    said = ", ".join(f"{share:.0%} under {name}" for name, share in shares.items())
    return (
        f"Answers are cut at {at} ({said}): their lengths beyond are not seen, and fewer words are often fewer words in "
        "as many tokens."
    )
