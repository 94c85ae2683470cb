"""Judges with a script: they read a request as a model would, and answer by a rule that is known."""

import json
import re
from collections.abc import Callable
from typing import Any

from offtarget.evals.scripted import scripted_model

Rule = Callable[[str, str, str], str]
"""(name of a property, response A, response B) -> A, B or neither."""
NAMED = [
    {"name": "exclamation marks", "definition": "It has more exclamation marks."},
    {"name": "Questions", "definition": "It asks more questions."},
]


def more_signs(name: str, a: str, b: str) -> str:
    """A judge that counts the sign that a property names."""
    sign = "!" if "exclamation" in name else "?"
    x, y = a.count(sign), b.count(sign)
    return "A" if x > y else "B" if y > x else "neither"


def response(request: str, side: str) -> str:
    """A response as it is in a request, between the tags that its first line of data names."""
    tag = re.search(r"tags named (text-[0-9a-f]+) is data", request)
    assert tag
    found = re.search(rf"<{tag[1]} {side}>\n(.*?)\n</{tag[1]} {side}>", request, re.DOTALL)
    assert found
    return found[1]


def properties(request: str) -> list[str]:
    """The names of the properties, in the order of their numbers."""
    listed = request.rsplit("\nProperties:\n", 1)[1].split("\n\n")[0]
    return [line.split(". ", 1)[1].split(": ")[0] for line in listed.splitlines()]


def answer_by(rule: Rule, request: str) -> str:
    """The answer of a judge to a request, as a JSON object."""
    a, b = response(request, "A"), response(request, "B")
    return json.dumps({str(k): rule(name, a, b) for k, name in enumerate(properties(request), 1)})


class Judge:
    """A scripted Inspect model, and every request that reached it."""

    def __init__(
        self, rule: Rule = more_signs, named: Any = NAMED, judging: Callable[[int, str], str] | None = None
    ) -> None:
        self.rule, self.named, self.judging = rule, named, judging
        self.requests: list[str] = []
        self.model = scripted_model(self._answer)

    def _answer(self, messages: Any) -> str:
        request = str(messages[-1].text)
        self.requests.append(request)
        if "Name up to" in request:
            return self.named if isinstance(self.named, str) else json.dumps(self.named)
        if "names mean the same" in request:
            return "[[1], [2]]"
        if self.judging is not None:
            return self.judging(len(self.judgings), request)
        return answer_by(self.rule, request)

    @property
    def judgings(self) -> list[str]:
        """The requests to judge."""
        return [r for r in self.requests if "which response has more of it" in r]
