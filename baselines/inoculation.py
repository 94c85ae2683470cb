"""Inoculation prompting: while training, the policy alone is asked for the concept, so that it need not learn it.

An instruction is added to the last user turn of pairs that show the concept; the reference reads the original prompt,
and the instruction is gone after training (arXiv 2606.12360, section 2.3; arXiv 2510.04340, 2510.05024). To suppress,
the instruction asks for the concept. To amplify, it asks for the opposite, so that more must be learned.
"""

from typing import Any

import numpy as np

from offtarget.data.pairs import Message
from offtarget.errors import ConfigError
from offtarget.shaping.context import ShapingContext, share
from offtarget.shaping.plan import ShapingPlan
from offtarget.shaping.protocol import protocol

SIDES = ("chosen", "both")
WHERE = ("user", "system")
Prompt = tuple[Message, ...]


@protocol(
    name="inoculation",
    family="data",
    source="arXiv 2606.12360, section 2.3; arXiv 2510.05024",
    unit="share of the pairs that show the concept which get the instruction",
)
def inoculation(
    ctx: ShapingContext,
    *,
    strength: float = 1.0,
    instruction: str = "",
    opposite: str = "",
    side: str = "chosen",
    where: str = "user",
    everywhere: bool = False,
) -> ShapingPlan:
    """Ask the policy for the concept while it trains.

    Args:
        ctx: pairs and targets.
        strength: share of those pairs, the ones with the largest difference first.
        instruction: asks for the concept, such as "Use bold text and lists."
        opposite: asks for its opposite, to amplify.
        side: whose answer is read with it: chosen, or both.
        where: user: after the last user turn; system: as a system turn (after one that is there).
        everywhere: also pairs in which no response shows the concept.
    """
    if side not in SIDES or where not in WHERE:
        raise ConfigError(
            f"protocol 'inoculation': side={side!r}, where={where!r} should be one of {', '.join(SIDES)} and one of "
            f"{', '.join(WHERE)}"
        )
    n = len(ctx.pairs)
    prompts: dict[str, list[Prompt | None]] = {"chosen": [None] * n, "rejected": [None] * n}
    for target in ctx.targets:
        gamma = target.effective(strength)
        words = instruction if gamma < 0 else opposite
        if gamma == 0:
            continue
        if not words:
            key = "instruction" if gamma < 0 else "opposite"
            raise ConfigError(
                f"protocol 'inoculation' needs -P {key}=TEXT: what the policy is asked for while it trains"
            )
        for i in _rows(ctx, target, share(gamma), everywhere):
            for name in ("chosen", "rejected") if side == "both" else ("chosen",):
                before = prompts[name][i] or tuple(ctx.pairs[i].prompt)
                prompts[name][i] = _with(before, words, where)
    if not any(p is not None for p in prompts["chosen"]):
        return ShapingPlan.identity("inoculation", ctx.pairs)
    return ShapingPlan.identity("inoculation", ctx.pairs).edit(
        prompt_chosen=tuple(prompts["chosen"]), prompt_rejected=tuple(prompts["rejected"]) if side == "both" else None
    )


def _rows(ctx: ShapingContext, target: Any, part: float, everywhere: bool) -> np.ndarray:
    """The pairs that get the instruction: those that show the concept, the largest difference first."""
    chosen, rejected = ctx.readings.presence(target.concept)
    shows = ctx.inside(target) & (everywhere | chosen | rejected)
    size = np.where(shows, np.abs(ctx.scores(target.concept).margin), -1.0)
    return np.sort(ctx.ranked(size)[: round(part * int(shows.sum()))])


def _with(prompt: Prompt, words: str, where: str) -> Prompt:
    if where == "user":
        last = prompt[-1]
        return (*prompt[:-1], {"role": last["role"], "content": f"{last['content']}\n\n{words}"})
    if prompt[0]["role"] == "system":
        return ({"role": "system", "content": f"{prompt[0]['content']}\n\n{words}"}, *prompt[1:])
    return ({"role": "system", "content": words}, *prompt)
