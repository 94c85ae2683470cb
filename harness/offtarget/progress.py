"""How work that takes a while says how far it is."""

from collections.abc import Callable

Steps = Callable[[int, int], None]
"""Called with how much is done, and how much there is."""
Progress = Callable[[str, int, int], None]
"""The same for several kinds of work: called with what is being done first."""


def steps_of(progress: Progress | None, what: str) -> Steps | None:
    """What reports one kind of work; None where nobody listens."""
    return (lambda done, total: progress(what, done, total)) if progress else None
