"""What the stages of a run cost at any size: forward-equivalents, floating-point operations, bytes, memory, time and money.

A model of costs, not a measurement: operations follow from tokens and weights, time from a machine's rate and the share of it that
each kind of work reaches. `tests/bench/bench_cost_model.py` holds it against cells that were measured.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from offtarget.board.cost import BACKWARD
from offtarget.engine.recipe import Recipe
from offtarget.model_size import ModelSize
from offtarget.training.spec import MAX_PREFIX_BYTES

HOUR = 3600.0
ADAM_BYTES, WEIGHT_BYTES, LOW_BYTES = 8, 4, 2
"""A weight that is trained: two moments of Adam, and the float32 master, which frozen weights are too; the reader of latents holds
the model in bf16."""
NONZEROS = 3000
"""Latents that fire in a response (65,536 of them, 300 tokens), measured on sets of this size."""
ENTRY_BYTES = 8 * 3
"""A latent of a response on disk: a value and its number, for each of three statistics."""
RULES_PAIRS = 1000.0
"""Pairs that the surface lens reads a second on one core, rounded down (`tests/bench/bench_gate_time.py`)."""
AUDIT_SECONDS, AUDIT_ONCE = 0.0043, 221.0
"""Of an audit with latents at the paper's width, on one core: a pair, without its surface features, and what any number of pairs
takes, which is learning the families of latents (`results/scale`: 274 s at 10,000 pairs, 750 s at 100,000)."""
RULES_SECONDS = 0.0016
"""A pair in an audit by rules alone, on one core."""
AUDIT_BYTES = 90_000, 12_000
"""Memory of a pair, with latents and by rules alone."""


@dataclass(frozen=True)
class Machine:
    """What a stage runs on."""

    name: str
    flops: float
    """Floating-point operations a second of its matrix units, at most."""
    dollars: float
    """An hour."""
    forward: float = 0.45
    training: float = 0.35
    sampling: float = 0.08
    """Shares of `flops` that reading, training and sampling answers reach: assumptions from published runs."""


H100 = Machine("H100", 989e12, 3.0)
"""Dense bf16; the price is an assumption, about what clouds asked for one in 2026."""


@dataclass(frozen=True)
class Size:
    """Of a model, as far as costs need it."""

    weights: float
    layers: int
    width: int
    trained: float
    """Weights that LoRA of rank 64 on all layers adds, or all of them."""

    @classmethod
    def of(cls, size: ModelSize, rank: int, trained_layers: int, full: bool) -> "Size":
        """From a configuration."""
        trained = float(size.total) if full else float(size.lora_a_rank * rank * trained_layers)
        return cls(size.total, size.layers, size.width, trained)

    @classmethod
    def of_weights(cls, weights: float, rank: int = 64, full: bool = False) -> "Size":
        """Of a dense transformer with this many weights, as wide as 128 times its layers: 12 weights a layer and width²."""
        width = max(128, 128 * round((weights * 128 / 12) ** (1 / 3) / 128))
        layers = max(1, width // 128)
        return cls(weights, layers, width, weights if full else 20.0 * width * rank * layers)


def weights_in_name(name: str) -> float | None:
    """The weights that a model's name says: 7B, 135m, 0.5B; None where it says none."""
    found = re.findall(r"(?<![\d.])(\d+(?:\.\d+)?)([bBmM])(?![a-zA-Z])", name.partition("@")[0])
    if not found:
        return None
    number, unit = found[-1]
    return float(number) * (1e9 if unit in "bB" else 1e6)


@dataclass(frozen=True)
class Rows:
    """What is read and trained on."""

    audited: float
    trained: float
    """Pairs."""
    prompt: float = 150.0
    response: float = 300.0
    """Tokens."""

    @property
    def pair(self) -> float:
        """Tokens of a pair in training: both sides, each behind its prompt."""
        return 2 * (self.prompt + self.response)


@dataclass(frozen=True)
class Stage:
    """What one stage costs."""

    name: str
    times: float
    """How often it is done in the run."""
    passes: float
    """Of the model, in tokens of a forward pass, each time."""
    flops: float
    disk: float
    """Bytes that it leaves, each time."""
    memory: float
    """Bytes that it needs on GPUs; 0 where it runs on processors."""
    seconds: float
    """Each time, on one GPU, or on two cores."""
    dollars: float
    """Each time; 0 on processors."""


def stages(
    size: Size,
    rows: Rows,
    *,
    policies: float,
    epochs: float = 1.0,
    method: str = "lora",
    latents: int = 65_536,
    depth: float = 2 / 3,
    prompts: float = 500.0,
    answer: float = 512.0,
    exact: bool = False,
    machine: Machine = H100,
) -> list[Stage]:
    """The stages of a run, in their order.

    Args:
        size: of the model.
        rows: pairs and their tokens.
        policies: that are trained and measured.
        epochs: of each training.
        method: lora or full.
        latents: of the SAE; 0: rules alone read the rows.
        depth: of the layers, the share that the SAE reads through.
        prompts: answered by each policy.
        answer: tokens of an answer at most.
        exact: no reference pass is shared: each training makes its own.
        machine: a GPU.
    """
    out = [_on_cores("surface features", rows.audited / RULES_PAIRS / 2, rows.audited * 200)]
    if latents:
        tokens = rows.audited * (rows.prompt + 2 * rows.response)
        flops = tokens * (2 * size.weights * depth + 2 * size.width * latents)
        memory = LOW_BYTES * (size.weights * depth + 2.0 * size.width * latents)
        disk = rows.audited * 2 * NONZEROS * ENTRY_BYTES
        out.append(_on_gpu("SAE features", 1, tokens * depth, flops, disk, memory, machine, machine.forward))
    seconds = AUDIT_ONCE + rows.audited * AUDIT_SECONDS if latents else rows.audited * RULES_SECONDS
    out.append(_on_cores("audit", seconds, rows.audited * AUDIT_BYTES[0 if latents else 1]))
    reading = rows.trained * rows.pair
    states = 0.0 if exact else reading * 4
    if not exact and reading * size.width * 4 <= MAX_PREFIX_BYTES:
        states += reading * size.width * 4  # what enters the lowest layer that is trained
    weights = WEIGHT_BYTES * size.weights
    out.append(
        _on_gpu(
            "reference",
            policies if exact else 1,
            reading,
            reading * 2 * size.weights,
            states,
            weights,
            machine,
            machine.forward,
        )
    )
    passes = reading * epochs * (1 + BACKWARD.get(method, 2.0))
    full = method != "lora"
    memory = size.trained * (ADAM_BYTES + 2 * WEIGHT_BYTES) + (0 if full else weights)
    kept = size.trained * WEIGHT_BYTES
    out.append(
        _on_gpu("training", policies, passes, passes * 2 * size.weights, kept, memory, machine, machine.training)
    )
    sampled = prompts * (rows.prompt + answer)
    out.append(
        _on_gpu(
            "answers",
            policies + 1,
            sampled,
            sampled * 2 * size.weights,
            prompts * answer * 4,
            weights,
            machine,
            machine.sampling,
        )
    )
    return out


def _on_gpu(
    name: str, times: float, passes: float, flops: float, disk: float, memory: float, machine: Machine, share: float
) -> Stage:
    seconds = flops / (machine.flops * share)
    return Stage(name, times, passes, flops, disk, memory, seconds, seconds / HOUR * machine.dollars)


def _on_cores(name: str, seconds: float, disk: float) -> Stage:
    return Stage(name, 1, 0.0, 0.0, disk, 0.0, seconds, 0.0)


def of_recipe(
    recipe: Recipe, n_pairs: int | None, size: ModelSize | None, trained: int, tokens: float | None
) -> list[Stage]:
    """The stages of a recipe; empty where neither its configuration nor its name says how large the model is.

    Args:
        recipe: in the size that is asked for.
        n_pairs: of its data; None: not at hand, then as many as it trains on, else 260,000.
        size: of its model; None: not known here, then what its name says.
        trained: policies, those of a sweep too.
        tokens: of all training pairs, both sides; None: not known.
    """
    spec, full = recipe.training, recipe.training.method != "lora"
    if size is not None:
        own = Size.of(size, spec.lora_rank, size.layers - spec.first_trained(size.layers), full)
    elif (weights := weights_in_name(recipe.model)) is not None:
        own = Size.of_weights(weights, spec.lora_rank, full)
    else:
        return []
    audited = float(n_pairs or recipe.train.pairs or 260_000)
    pairs = float(min(audited, recipe.train.pairs or audited))
    rows = Rows(min(audited, recipe.audit.limit or audited), pairs)
    if tokens and pairs:
        rows = Rows(rows.audited, pairs, 0.0, tokens / pairs / 2)
    epochs = spec.epochs
    if spec.max_steps > 0:
        epochs = spec.max_steps * spec.batch_size * spec.gradient_accumulation / max(1.0, pairs)
    kinds = {lens.partition(":")[0] for lens in recipe.audit.lens}
    return stages(
        own,
        rows,
        policies=trained,
        epochs=epochs,
        method=spec.method,
        latents=65_536 if "sae" in kinds else 0,
        prompts=float(recipe.evaluation.limit or 500),
        answer=float(recipe.evaluation.max_tokens),
        exact=spec.mode == "exact",
    )


def total(found: Sequence[Stage]) -> tuple[float, float, float]:
    """Hours on one GPU, dollars and bytes on disk of a whole run; hours on processors are not in it."""
    gpu = [s for s in found if s.memory]
    return (
        sum(s.times * s.seconds for s in gpu) / HOUR,
        sum(s.times * s.dollars for s in gpu),
        sum(s.times * s.disk for s in found),
    )


def scaled(n: float) -> str:
    """A number in thousands, millions and so on: 1.2e13 -> 12 T."""
    for unit, size in (("P", 1e15), ("T", 1e12), ("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if abs(n) >= size:
            digits = n / size
            return f"{digits:.0f} {unit}" if digits >= 9.95 else f"{digits:.1f} {unit}"
    return f"{n:.0f}"


def duration(seconds: float) -> str:
    """Seconds, minutes, hours or days."""
    for unit, size, least in (("days", 24 * HOUR, 2.0), ("h", HOUR, 1.0), ("min", 60.0, 1.0)):
        if (amount := seconds / size) >= least:
            return f"{amount:.0f} {unit}" if amount >= 9.95 else f"{amount:.1f} {unit}"
    return f"{seconds:.0f} s"
