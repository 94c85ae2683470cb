"""offtarget: audit preference data, shape the learning signal, retrain, and measure what changed.

    pairs = offtarget.load_pairs("pairs.jsonl")
    a = offtarget.audit(pairs, lens="surface")
    a.findings()
    p = offtarget.plan(a, "reward_shaping", concept="surface:markdown", strength=-2)

Importing this package loads nothing else: each name is fetched when it is first used, so that `offtarget --help` is quick.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from offtarget.api.audit import AuditResult as AuditResult
    from offtarget.api.audit import audit as audit
    from offtarget.api.forecast import forecast as forecast
    from offtarget.api.gate import gate as gate
    from offtarget.api.pairs import load_pairs as load_pairs
    from offtarget.api.plan import PlanResult as PlanResult
    from offtarget.api.plan import plan as plan
    from offtarget.api.runs import board as board
    from offtarget.api.runs import cell as cell
    from offtarget.api.runs import compare as compare
    from offtarget.api.runs import compare_logs as compare_logs
    from offtarget.api.runs import curve as curve
    from offtarget.api.runs import evaluate as evaluate
    from offtarget.api.runs import run as run
    from offtarget.api.runs import verify as verify
    from offtarget.audit.method import audit_method as audit_method
    from offtarget.shaping.context import ShapingContext as ShapingContext
    from offtarget.shaping.hooks import Ablate as Ablate
    from offtarget.shaping.hooks import Steer as Steer
    from offtarget.shaping.plan import ShapingPlan as ShapingPlan
    from offtarget.shaping.protocol import protocol as protocol
    from offtarget.training.trainer import ShapedDPOTrainer as ShapedDPOTrainer

__version__ = "0.1.0"

_WHERE = {
    "load_pairs": "api.pairs",
    "audit": "api.audit",
    "AuditResult": "api.audit",
    "plan": "api.plan",
    "PlanResult": "api.plan",
    "gate": "api.gate",
    "forecast": "api.forecast",
    "run": "api.runs",
    "evaluate": "api.runs",
    "verify": "api.runs",
    "compare": "api.runs",
    "compare_logs": "api.runs",
    "curve": "api.runs",
    "cell": "api.runs",
    "board": "api.runs",
    "protocol": "shaping.protocol",
    "audit_method": "audit.method",
    "ShapingContext": "shaping.context",
    "ShapingPlan": "shaping.plan",
    "Steer": "shaping.hooks",
    "Ablate": "shaping.hooks",
    "ShapedDPOTrainer": "training.trainer",
}
"""Exported name -> the module that defines it."""
__all__ = ["__version__", *_WHERE]  # type checkers read the imports above


class _CallablePackage(ModuleType):
    """A package that can be called, as the function of its name.

    `offtarget.audit`, `board`, `curve`, `forecast` and `gate` are packages, and functions that people call. Python puts a package into its
    parent as soon as anything below it is imported, so a function of that name would be there or not depending on what
    was imported before. So the name is always the package, and the package is what is called.
    """

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return _exported(self.__name__.rpartition(".")[2])(*args, **kwargs)

    def __reduce__(self) -> tuple[Any, ...]:
        """By name, as functions are: `Pool.map(offtarget.audit, sets)`."""
        return import_module, (self.__name__,)

    @property
    def __doc__(self) -> str | None:  # type: ignore[override]
        """That of the function, for `help()`."""
        doc: str | None = _exported(self.__name__.rpartition(".")[2]).__doc__
        return doc

    @property
    def __signature__(self) -> Any:
        from inspect import signature

        return signature(_exported(self.__name__.rpartition(".")[2]))


def _make_callable(package: str) -> None:
    """Called by a package in its own `__init__` (the language reference, 3.3.2.1, lets a module have another class)."""
    sys.modules[package].__class__ = _CallablePackage


def _exported(name: str) -> Any:
    return getattr(import_module(f"offtarget.{_WHERE[name]}"), name)


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module 'offtarget' has no attribute '{name}'")
    if name in ("audit", "board", "curve", "forecast", "gate"):
        return import_module(f"offtarget.{name}")
    value = globals()[name] = _exported(name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
