"""One training, as it is handed from the store to the process or the processes that do it."""

from dataclasses import dataclass
from pathlib import Path

from offtarget.models import ModelRef
from offtarget.progress import Progress
from offtarget.shaping.plan import ShapingPlan
from offtarget.store import Store
from offtarget.training.spec import TrainingSpec
from offtarget.training.tokens import TrainingSet


@dataclass(frozen=True, eq=False)
class Job:
    """What to train, and where to."""

    training_set: TrainingSet
    plan: ShapingPlan
    ref: ModelRef
    """The start model."""
    spec: TrainingSpec
    """With the options of the loss that the plan sets."""
    seed: int
    """Of data order and of the LoRA weights."""
    store: Store
    out: Path
    """The folder that the policy, its checkpoints and its digest go to."""
    progress: Progress | None = None
    """Called with (what, done, total)."""
    template: str | None = None
    """Chat template file, for models without one."""
    key: str = ""
    """Hash of all that decides the policy: a checkpoint bears it."""
