"""The decorator that makes a function a shaping protocol, and how a plan is made from one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from offtarget.errors import ConfigError
from offtarget.registry import check_parameters, default, load_function, run_content
from offtarget.shaping.context import ShapingContext
from offtarget.shaping.plan import ShapingPlan

Family = Literal["control", "data", "feature", "loss"]


@dataclass(frozen=True)
class ProtocolCard:
    """What a protocol says of itself, readable without running it."""

    name: str
    family: Family
    source: str
    """Where the method comes from: a paper and its section."""
    unit: str = ""
    """The unit of its strength."""
    needs_concept: bool = True
    """Whether something must be suppressed or amplified; False for what it always does the same way."""
    control: str = ""
    """The protocol that does to other pairs, blindly, what this one does by concept: boards show what it does beyond it."""


def protocol(
    *, name: str, family: Family, source: str, unit: str = "", needs_concept: bool = True, control: str = ""
) -> Callable[[Callable[..., ShapingPlan]], Callable[..., ShapingPlan]]:
    """Declare a function of a file in `baselines/` as a shaping protocol.

    Write the arguments as literals: they are read without running the file.

    Example:
        >>> import offtarget
        >>> @offtarget.protocol(name="first_half", family="data", source="an example", needs_concept=False)
        ... def first_half(ctx):
        ...     keep = [i < len(ctx.pairs) // 2 for i in range(len(ctx.pairs))]
        ...     return offtarget.ShapingPlan.identity("first_half", ctx.pairs).edit(keep=np.array(keep))
        >>> import numpy as np
        >>> pairs = offtarget.load_pairs("planted-style", limit=60).pairs
        >>> int(first_half(offtarget.ShapingContext(pairs)).keep.sum())
        30
    """

    def mark(function: Callable[..., ShapingPlan]) -> Callable[..., ShapingPlan]:
        function.__protocol__ = ProtocolCard(  # type: ignore[attr-defined]
            name, family, source, unit, needs_concept, control
        )
        return function

    return mark


def needs_concept(name: str) -> bool:
    """Whether a protocol carries out decisions on concepts; one that does not works the same way whatever they are."""
    card = default().get("protocol", name).card
    return "strength" in card.get("parameters", {}) and bool(card.get("needs_concept", True))


def _check_control(name: str, control: Any) -> None:
    """That the blind control which a protocol's card names is a protocol; else boards would show none in silence."""
    if control:
        try:
            default().get("protocol", str(control))
        except ConfigError as e:
            raise ConfigError(f"protocol '{name}': the control that its card names cannot be found: {e}") from e


def make_plan(name: str, ctx: ShapingContext, params: Mapping[str, Any] | None = None) -> ShapingPlan:
    """The checked plan of a protocol found by name.

    Raises:
        ConfigError: unknown protocol or parameter, a plan that cannot be trained or does nothing.
        UndecidedError: too few rows are left.
    """
    entry = default().get("protocol", name)
    params = dict(params or {})
    check_parameters(entry, params)
    presets = entry.card.get("parameters", {})
    _check_control(name, entry.card.get("control"))
    # a text such as `layers=20` reads as a number on the command line
    params = {k: str(v) if isinstance(presets.get(k), str) else v for k, v in params.items()}
    function = load_function(entry)
    if needs_concept(name) and not ctx.targets:
        raise ConfigError(
            f"protocol '{name}' needs a concept: give --verdicts FILE with a suppress or amplify, or -P concept=ID"
        )
    try:
        plan = run_content(entry, function, ctx, **params)
    except ConfigError as e:  # of a strength, say: in a grid it must be clear whose
        raise ConfigError(str(e) if f"'{name}'" in str(e) else f"protocol '{name}': {e}") from e
    if not isinstance(plan, ShapingPlan):
        raise ConfigError(f"{entry.path}: protocol '{name}' returned {type(plan).__name__}, not a ShapingPlan")
    if plan.pair_ids != (*(p.id for p in ctx.pairs), *(p.id for p in plan.added)):
        raise ConfigError(
            f"{entry.path}: the plan of protocol '{name}' is not over the pairs that it was given, in their order, with "
            "those that it adds at the end; start from ShapingPlan.identity"
        )
    plan = plan.check(min_pairs=ctx.min_pairs)
    edited = ~plan.keep | plan.flip | plan.masked_rows | plan.prompted_rows | plan.hooked_rows
    if len(edited) and edited.all():
        does = "changes the forward pass of" if plan.hooked_rows.all() else "edits"
        plan = plan.edit(notes=(*plan.notes, f"'{name}' {does} every one of {len(edited)} pairs: is that meant?"))
    return plan
