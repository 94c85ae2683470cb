"""Responses without a concept, or with it, all else kept: by the rule that finds it or by a model that is asked."""

from collections.abc import Callable, Sequence

from offtarget.data.pairs import Pair, text_of
from offtarget.errors import ConfigError
from offtarget.lens.names import concept_parts
from offtarget.lens.surface.rewrite import all_without, can_rewrite

Ask = Callable[[str, Sequence[str]], list[str | None]]
"""(model, prompts) -> answers."""


def by_rule(concept: str, sign: int, responses: Sequence[tuple[Pair, str]]) -> list[str | None]:
    """Responses without the concept; None where the rule cannot take it out.

    Raises:
        ConfigError: there is no such rule.
    """
    lens, name = concept_parts(concept)
    if sign > 0 or lens != "surface" or not can_rewrite(name):
        raise ConfigError(
            f"there is no rule that {'puts' if sign > 0 else 'takes'} '{concept}' "
            f"{'into' if sign > 0 else 'out of'} a text: name a model that rewrites, -P role=PROVIDER/MODEL"
        )
    return all_without(name, [text for _, text in responses])


def by_model(ask: Ask, role: str, label: str, sign: int, responses: Sequence[tuple[Pair, str]]) -> list[str | None]:
    """Responses without what a label names (sign −1) or with it (+1), as a model writes them."""
    return ask(role, [_request(label, sign, pair, text) for pair, text in responses])


def _request(label: str, sign: int, pair: Pair, text: str) -> str:
    asked = "does not have" if sign < 0 else "clearly has"
    return (
        f"Below is an answer to a request. Rewrite it so that it {asked} this property: {label}. Keep everything else as "
        "it is: content, length, order and wording. Write the rewritten answer and nothing else.\n\n"
        f"<request>\n{text_of(pair.prompt)}\n</request>\n\n<answer>\n{text}\n</answer>"
    )
