"""What the lens `direction` would cost for a set and a model on this machine, without loading the model."""

import time

import numpy as np

from offtarget.data.pairs import PairSet, text_of
from offtarget.lens.directions.examples import SHIPPED
from offtarget.lens.reader import MAX_LENGTH
from offtarget.model_size import EMBEDDED_SIZE, ModelSize, not_estimated, scaled_words, size_of
from offtarget.models import EMBEDDED

CHARACTERS_A_TOKEN = 4.2
TEMPLATE_TOKENS = 30
DEPTH = 2 / 3
"""Of the layers, those up to the one that is read."""
SHARE = 0.75
"""Of the rate of a large product of float32 matrices that the reading reaches (`tests/bench/bench_directions.py`)."""
LOAD_SECONDS = 8.0
"""To import torch and transformers and load the model."""


def reading_tokens(pairs: PairSet, max_length: int = MAX_LENGTH) -> int:
    """About how many tokens the lens reads: each distinct prompt once, and each distinct response to it."""
    prompts: dict[str, float] = {}
    answers: dict[tuple[str, str], float] = {}
    for p in pairs.pairs:
        prompt = text_of(p.prompt)
        prompts[prompt] = min(len(prompt) / CHARACTERS_A_TOKEN + TEMPLATE_TOKENS, max_length)
        for side in (p.chosen, p.rejected):
            text = text_of(side)
            room = max(0.0, max_length - prompts[prompt])
            answers[prompt, text] = min(len(text) / CHARACTERS_A_TOKEN, room)
    return round(sum(prompts.values()) + sum(answers.values()))


def multiply_rate(n: int = 768, seconds: float = 0.1) -> float:
    """Floating-point operations a second of a product of float32 matrices, measured now.

    Args:
        n: rows and columns.
        seconds: how long to measure at least.
    """
    a = np.ones((n, n), dtype=np.float32)
    a @ a
    done, began = 0, time.perf_counter()
    while (took := time.perf_counter() - began) < seconds:
        a @ a
        done += 1
    return 2.0 * n**3 * done / took


def direction_seconds(pairs: PairSet, max_length: int = MAX_LENGTH, size: ModelSize = EMBEDDED_SIZE) -> float:
    """About how long the lens `direction` takes for a set with a model of this size, nothing read before.

    A token costs twice the weights of the layers that are read; that `SHARE` of the machine's rate is reached was
    measured on the embedded model.
    """
    flops = reading_tokens(pairs, max_length) * 2 * DEPTH * size.layers * size.layer
    return LOAD_SECONDS + flops / (SHARE * multiply_rate())


def in_words(seconds: float) -> str:
    """A duration as "about 40 seconds", "about 7 minutes" or "about 3 hours"."""
    if seconds < 55:
        return f"about {max(10, round(seconds, -1)):.0f} seconds"
    if seconds < 5400:
        minutes = round(seconds / 60)
        return f"about {minutes} minute{'s' if minutes != 1 else ''}"
    return f"about {seconds / 3600:.0f} hours"


def offer(pairs: PairSet, max_length: int = MAX_LENGTH, model: str = EMBEDDED) -> str:
    """One line for those who audit by rules alone: which lens reads meanings, and what it would cost.

    Args:
        pairs: the set.
        max_length: tokens that are read.
        model: whose activations it would read.
    """
    size = size_of(model)
    names = sorted(file.stem for file in SHIPPED.glob("*.yaml"))
    some = [n for n in ("flattery", "vagueness", "agreement") if n in names]
    if size is None:
        cost = f" ({not_estimated(model)})"
    else:
        cost = f", in {in_words(direction_seconds(pairs, max_length, size))} on this machine's processor"
        cost += "" if model == EMBEDDED else f" ({scaled_words(size)})"
    return (
        f"rules read the form of a text, not its meaning: --lens surface,direction adds {', '.join(some)} and "
        f"{len(names) - len(some)} more meanings{cost}; a direction may answer to form as well, so look at its pairs"
    )
