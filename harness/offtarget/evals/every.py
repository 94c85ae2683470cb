"""Which behaviours are measured where none are named."""

from offtarget.registry import default


def every_behaviour() -> list[str]:
    """All behaviours but families such as `rule`, which measure nothing without what comes after the colon."""
    return [e.name for e in default().entries("behaviour") if not e.card.get("argument")]
