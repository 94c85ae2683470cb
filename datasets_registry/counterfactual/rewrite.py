"""Counterfactual pairs: one answer written twice, so that the chosen one has more of a single trait.

    python datasets_registry/counterfactual/rewrite.py     # writes the eight sets that ship

Needs nothing but the standard library. `answers.jsonl` holds a hundred questions, each with an answer in plain words
(three points and three sentences more), the same in the terms of the trade, the topic as a noun and an opinion that
somebody might have on it; `phrases/` holds what the other traits are made of. All of it was written for this, after
the examples of the lens `direction` and without a look at how any lens reads it.

Both sides of a pair are about equally long, but for the trait `length`: what a trait adds takes the place of plain
sentences. What is random (which phrases, where, which layout) is drawn by seed, trait and question.
"""

import gzip
import json
import random
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
SEED = 0

Answer = dict[str, Any]
Sides = tuple[str, str]
"""Chosen, which has the trait, and rejected."""

BELIEFS = (
    "I think that {o}.",
    "In my opinion {o}.",
    "I'm convinced that {o}.",
    "I've always believed that {o}.",
    "As far as I'm concerned, {o}.",
    "I'm pretty sure that {o}.",
)


@cache
def answers() -> tuple[Answer, ...]:
    """The hundred questions with what their answers are made of."""
    lines = (HERE / "answers.jsonl").read_text(encoding="utf-8").splitlines()
    return tuple(json.loads(line) for line in lines)


@cache
def phrases(trait: str) -> dict[str, list[str]]:
    """What is said for a trait, by its place: open, middle or close."""
    found: dict[str, list[str]] = json.loads((HERE / "phrases" / f"{trait}.json").read_text(encoding="utf-8"))
    return found


def plain(answer: Answer) -> list[str]:
    """The three points of an answer as sentences."""
    return [text for _, text in answer["points"]]


def fitting(sentences: list[str], length: int, fixed: int) -> str:
    """The first `fixed` sentences and as many of the others as bring the text nearest to a length in characters."""
    texts = [" ".join(sentences[:n]) for n in range(fixed, len(sentences) + 1)]
    return min(texts, key=lambda t: abs(len(t) - length))


def length(answer: Answer, rng: random.Random) -> Sides:
    """The points with three sentences more, against the points."""
    return " ".join([*plain(answer), *answer["more"]]), " ".join(plain(answer))


def structure(answer: Answer, rng: random.Random) -> Sides:
    """Headings, bullets and bold labels, against the same sentences in a row."""
    title = answer["topic"][:1].upper() + answer["topic"][1:]
    points, more = answer["points"], answer["more"]
    bullets = "\n".join(f"- {text}" for text in more)
    layouts = (
        f"## {title}\n\n" + "\n".join(f"- **{name}:** {text}" for name, text in points) + f"\n\n### Good to know\n\n{bullets}",
        "\n\n".join(f"### {name}\n\n{text}" for name, text in points) + f"\n\n### Also\n\n{bullets}",
        f"**{title}**\n\n" + "\n".join(f"* **{name}** – {text}" for name, text in points) + f"\n\n**Tips**\n\n{bullets}",
        "\n".join(f"- **{name}**\n  - {text}" for name, text in points) + "\n- **More**\n" + "\n".join(f"  - {t}" for t in more),
    )  # fmt: skip
    return rng.choice(layouts), " ".join([*plain(answer), *more])


def jargon(answer: Answer, rng: random.Random) -> Sides:
    """The terms of the trade, against everyday words."""
    told = str(answer["jargon"])
    return told, fitting([*plain(answer), *answer["more"]], len(told), 3)


def vagueness(answer: Answer, rng: random.Random) -> Sides:
    """Remarks that would fit any topic, against the answer."""
    bank, whole = phrases("vagueness"), " ".join([*plain(answer), *answer["more"]])
    told = [fill(rng.choice(bank["open"]), answer), *rng.sample(bank["middle"], 8)]
    end = fill(rng.choice(bank["close"]), answer)
    return f"{fitting(told, len(whole) - len(end), 3)} {end}", whole


def flattery(answer: Answer, rng: random.Random) -> Sides:
    """Praise of the user before and after, against more of the answer."""
    return around("flattery", answer, rng)


def moralising(answer: Answer, rng: random.Random) -> Sides:
    """A lesson before and after, against more of the answer."""
    return around("moralising", answer, rng)


def agreement(answer: Answer, rng: random.Random) -> Sides:
    """Siding with the user's opinion before and after, against more of the answer."""
    return around("agreement", answer, rng)


def confidence(answer: Answer, rng: random.Random) -> Sides:
    """Assurances between the sentences, against more of the answer."""
    bank = phrases("confidence")
    begin = fill(rng.choice(bank["open"]), answer)
    one, two = rng.sample(bank["close"], 2)
    first, second, third = plain(answer)
    told = f"{begin} {first} {one} {second} {third} {two}"
    return told, fitting([first, second, third, *answer["more"]], len(told), 3)


def around(trait: str, answer: Answer, rng: random.Random) -> Sides:
    """One phrase at the start, one or two at the end, and the points between them."""
    bank = phrases(trait)
    begin = fill(rng.choice(bank["open"]), answer)
    end = [fill(text, answer) for text in rng.sample(bank["close"], rng.choice((1, 1, 2)))]
    told = " ".join([begin, *plain(answer), *end])
    return told, fitting([*plain(answer), *answer["more"]], len(told), 3)


def fill(phrase: str, answer: Answer) -> str:
    """A phrase with the answer's topic ({t}, {T} at the start of a sentence) and opinion ({o})."""
    topic = answer["topic"]
    return phrase.format(t=topic, T=topic[:1].upper() + topic[1:], o=answer["opinion"])


TRAITS: dict[str, Callable[[Answer, random.Random], Sides]] = {
    "length": length,
    "structure": structure,
    "jargon": jargon,
    "flattery": flattery,
    "vagueness": vagueness,
    "agreement": agreement,
    "moralising": moralising,
    "confidence": confidence,
}


def rewrite(trait: str, seed: int = SEED) -> list[dict[str, str]]:
    """The pairs of a trait, one for each question: {id, prompt, chosen, rejected}.

    Raises:
        KeyError: no such trait.
    """
    rows = []
    for i, answer in enumerate(answers()):
        rng = random.Random(f"{seed} {trait} {i}")  # noqa: S311 - nothing secret
        prompt = answer["prompt"]
        if trait == "agreement":
            prompt = f"{fill(rng.choice(BELIEFS), answer)} {prompt}"
        chosen, rejected = TRAITS[trait](answer, rng)
        rows.append({"id": f"{trait}-{i}", "prompt": prompt, "chosen": chosen, "rejected": rejected})
    return rows


def main() -> None:
    """Write every set beside this file; the same rows give the same bytes."""
    for trait in TRAITS:
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rewrite(trait))
        (HERE / f"counterfactual-{trait}.jsonl.gz").write_bytes(gzip.compress(text.encode(), mtime=0))


if __name__ == "__main__":
    main()
