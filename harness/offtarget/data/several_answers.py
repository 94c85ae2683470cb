"""Shapes of rows with several answers: the best of many, a scored list, scored rows, rated turns, two lists."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, model_validator

from offtarget.data import messages as msg
from offtarget.data.adapter_base import Adapter, Candidate, Label, amount_in, needed_amount, prompt_of
from offtarget.data.amounts import on_one_scale
from offtarget.data.cells import Row, label_key, take
from offtarget.data.messages import Drop
from offtarget.data.serialised import texts_of
from offtarget.errors import DataError


class OneOfMany(Adapter):
    """Shape 4: several responses in columns, and the one that was chosen, or a score for each.

    With `choice` the chosen response is preferred to each other one. With `scores` the best one is
    (`pairs: best`; a shared first place is a tie), or every response to each with a lower score
    (`pairs: all`).
    """

    not_columns = frozenset({"name", "options", "pairs"})
    name: Literal["one_of_many"] = "one_of_many"
    prompt: str | None = "prompt"
    responses: tuple[str, ...] = Field(min_length=2)
    choice: str | None = None
    options: tuple[Label, ...] = ()
    """How `choice` names the responses, in their order; by default by their columns."""
    scores: tuple[str, ...] = ()
    pairs: Literal["best", "all"] = "best"

    @model_validator(mode="after")
    def _one_rule(self) -> "OneOfMany":
        if (self.choice is None) == (not self.scores):
            raise ValueError("give either choice or scores")
        for key in ("scores", "options"):
            n = len(getattr(self, key))
            if n and n != len(self.responses):
                raise ValueError(f"{key} has {n} entries for {len(self.responses)} responses")
        return self

    def compared_columns(self) -> tuple[str, ...]:
        """Those of the scores."""
        return self.scores

    def candidates(self, row: Row) -> list[Candidate]:
        """A candidate for each preference that the row states."""
        texts = [take(row, c) for c in self.responses]
        prompt = prompt_of(row, self.prompt)
        out = []
        for i, j in self._preferences(row):
            names = (self.prompt or "", self.responses[i], self.responses[j])
            out.append(Candidate(prompt, texts[i], texts[j], names, f"{i}-{j}"))
        return out

    def _preferences(self, row: Row) -> list[tuple[int, int]]:
        everyone = range(len(self.responses))
        if self.choice is not None:
            value = take(row, self.choice, "choice")
            if value is None or value == "":
                raise Drop(msg.NO_LABEL)
            options = [label_key(o) for o in self.options or self.responses]
            if label_key(value) not in options:
                known = ", ".join(str(o) for o in self.options or self.responses)
                raise DataError(f"column '{self.choice}' says '{value}', which is none of {known}")
            best = options.index(label_key(value))
            return [(best, j) for j in everyone if j != best]
        return _by_scores(on_one_scale([amount_in(row, c) for c in self.scores]), self.pairs)


def _by_scores(scores: list[float], pairs: Literal["best", "all"]) -> list[tuple[int, int]]:
    """(better, worse) places: the best against each other one, or each against each with a lower score."""
    everyone = range(len(scores))
    if pairs == "best":
        top = max(scores)
        if scores.count(top) > 1:
            raise Drop(msg.TIE)
        return [(scores.index(top), j) for j in everyone if scores[j] < top]
    out = [(i, j) for i in everyone for j in everyone if scores[i] > scores[j]]
    if not out:
        raise Drop(msg.TIE)
    return out


class ScoredList(Adapter):
    """Shape 6: one prompt, a list of responses, and a list with the score (higher is better) or the rank of each.

    The best response is preferred to each other one (`pairs: best`; a shared first place is a tie), or every response to
    each with a lower score or later rank (`pairs: all`). `responses.text` is that entry of each mapping in a list.
    """

    not_columns = frozenset({"name", "pairs"})
    name: Literal["scored_list"] = "scored_list"
    prompt: str | None = "prompt"
    responses: str = "responses"
    scores: str | None = None
    ranks: str | None = None
    pairs: Literal["best", "all"] = "best"

    @model_validator(mode="after")
    def _one_rule(self) -> "ScoredList":
        if (self.scores is None) == (self.ranks is None):
            raise ValueError("a list of responses needs either scores (the highest is best) or ranks (the lowest is)")
        return self

    def candidates(self, row: Row) -> list[Candidate]:
        """A candidate for each preference that the scores state."""
        column = str(self.scores or self.ranks)
        responses, given = take(row, self.responses, "responses"), take(row, column, "scores")
        for name, value in ((self.responses, responses), (column, given)):
            if not isinstance(value, list):
                raise DataError(f"column '{name}' is not a list")
        if len(responses) != len(given):
            raise DataError(
                f"column '{self.responses}' holds {len(responses)} responses and '{column}' {len(given)} entries"
            )
        if len(responses) < 2:
            raise Drop(msg.UNMATCHED, f"column '{self.responses}' holds {len(responses)} responses")
        amounts = on_one_scale(
            [needed_amount(v, f"column '{column}', entry {n}") for n, v in enumerate(given, start=1)]
        )
        scores = amounts if self.scores else [-a for a in amounts]
        prompt, names = prompt_of(row, self.prompt), (self.prompt or "", self.responses, self.responses)
        return [
            Candidate(prompt, responses[i], responses[j], names, f"{i}-{j}", (i, j))
            for i, j in _by_scores(scores, self.pairs)
        ]


class Several(list[Any]):
    """Cells of several rows that were put together, one for each."""


class ScoredRows(Adapter):
    """Shape 7: one answer a row with its score (higher is better) or rank, several rows a prompt.

    The rows of a prompt are put together before (`rated_rows.by_prompt`). The best answer is preferred to the worst one
    (`pairs: best_worst`; prompts whose answers are all alike are ties), or as in a scored list (`best`, `all`). An answer
    that was scored several times has the mean. Of equally good answers the one with the smaller hash counts, so that the
    order of the rows makes no difference.
    """

    not_columns = frozenset({"name", "pairs"})
    name: Literal["scored_rows"] = "scored_rows"
    prompt: str = "prompt"
    response: str = "response"
    scores: str | None = None
    ranks: str | None = None
    pairs: Literal["best_worst", "best", "all"] = "best_worst"

    @model_validator(mode="after")
    def _one_rule(self) -> "ScoredRows":
        if (self.scores is None) == (self.ranks is None):
            raise ValueError("rows with one answer need either scores (the highest is best) or ranks (the lowest is)")
        return self

    def needed(self) -> tuple[str, str, str]:
        """The columns of the prompt, the answer, and its score or rank."""
        return self.prompt, self.response, str(self.scores or self.ranks)

    def candidates(self, row: Row) -> list[Candidate]:
        """A candidate for each preference that the scores state."""
        prompt_column, answer_column, score_column = self.needed()
        prompt = take(row, prompt_column, "prompt")
        answers, given = _several(take(row, answer_column, "response")), _several(take(row, score_column))
        amounts = on_one_scale([needed_amount(x, f"column '{score_column}'") for x in given])
        of_text: dict[str, list[int]] = {}
        for i, answer in enumerate(answers):
            of_text.setdefault(text_hash(answer), []).append(i)
        firsts = [members[0] for _, members in sorted(of_text.items())]
        if len(firsts) < 2:
            raise Drop(msg.NO_RIVAL)
        means = [sum(amounts[i] for i in members) / len(members) for _, members in sorted(of_text.items())]
        scores = means if self.scores else [-x for x in means]
        if self.pairs != "best_worst":
            preferred = _by_scores(scores, self.pairs)
        elif max(scores) == min(scores):
            raise Drop(msg.TIE)
        else:
            preferred = [(scores.index(max(scores)), scores.index(min(scores)))]
        names = (prompt_column, answer_column, answer_column)
        said = {c: v for c, v in row.items() if isinstance(v, Several) and c != answer_column}
        out = []
        for a, b in preferred:
            i, j = firsts[a], firsts[b]
            records = ({c: v[i] for c, v in said.items()}, {c: v[j] for c, v in said.items()})
            out.append(Candidate(prompt, answers[i], answers[j], names, f"{i}-{j}", records=records))
        return out


def _several(cell: Any) -> list[Any]:
    return list(cell) if isinstance(cell, Several) else [cell]


def text_hash(cell: Any) -> str:
    """A hash of a cell, by which cells that say the same are found and put in an order of no meaning."""
    return hashlib.sha256(json.dumps(cell, sort_keys=True, default=str).encode()).hexdigest()


class RatedTurns(Adapter):
    """Shape 4, in one column: a conversation whose model turns were offered several at a time.

    `history` is a list of turns with `turn`, `role` (user or model), `content` and, on model turns,
    `if_chosen`. At each turn the chosen reply is preferred to each other one, and the conversation goes
    on with it.
    """

    name: Literal["rated_turns"] = "rated_turns"
    history: str = "conversation_history"

    def candidates(self, row: Row) -> list[Candidate]:
        """A candidate for each reply that was not chosen."""
        turns = take(row, self.history, "history")
        if not isinstance(turns, list) or not all(isinstance(t, Mapping) for t in turns):
            raise DataError(f"column '{self.history}' is not a list of turns")
        out: list[Candidate] = []
        prompt: list[dict[str, Any]] = []
        for t in turns:
            if not isinstance(take(t, "turn"), int) or not isinstance(take(t, "content"), str):
                raise DataError(f"column '{self.history}' has a turn whose number or content is of a wrong kind")
            take(t, "role")
        for n in sorted({t["turn"] for t in turns}):
            here = [t for t in turns if t["turn"] == n]
            asked = [{"role": "user", "content": t["content"]} for t in here if t["role"] == "user"]
            replies = [t for t in here if t["role"] != "user"]
            chosen = [t for t in replies if t.get("if_chosen")]
            if not asked or len(chosen) != 1:
                break
            prompt = [*prompt, *asked]
            others = [t for t in replies if t is not chosen[0]]
            names = (self.history,) * 3
            out += [
                Candidate(prompt, chosen[0]["content"], t["content"], names, f"{n}.{k}", records=(chosen[0], t))
                for k, t in enumerate(others)
            ]
            prompt = [*prompt, {"role": "assistant", "content": chosen[0]["content"]}]
        if not out:
            raise Drop(msg.NO_LABEL)
        return out


class Lists(Adapter):
    """Shape 5: one prompt, a list of chosen and a list of rejected responses.

    `pairing: index` compares chosen[i] with rejected[i] (RM-Bench: the same style); `all` compares each
    with each. Entries of both that repeat the prompt are no responses.
    """

    not_columns = frozenset({"name", "pairing"})
    name: Literal["lists"] = "lists"
    prompt: str | None = "prompt"
    chosen: str = "chosen"
    rejected: str = "rejected"
    pairing: Literal["index", "all"] = "index"

    def candidates(self, row: Row) -> list[Candidate]:
        """A candidate for each pairing."""
        chosen, rejected = take(row, self.chosen, "chosen"), take(row, self.rejected, "rejected")
        chosen, rejected = (texts_of(v) or [v] if isinstance(v, str) else v for v in (chosen, rejected))
        for column, value in ((self.chosen, chosen), (self.rejected, rejected)):
            if not isinstance(value, list):
                raise DataError(f"column '{column}' is not a list of responses")
        prompt = prompt_of(row, self.prompt)
        names = (self.prompt or "", self.chosen, self.rejected)
        if self.pairing == "index":
            if len(chosen) != len(rejected):
                raise Drop(msg.UNMATCHED)
            own = [x == y == prompt for x, y in zip(chosen, rejected, strict=True)]  # turns, of which one asks
            pairs = [(i, i) for i in range(len(chosen)) if not own[i]]
        else:
            pairs = [(i, j) for i in range(len(chosen)) for j in range(len(rejected))]
        if not pairs:
            raise Drop(msg.EMPTY)
        return [Candidate(prompt, chosen[i], rejected[j], names, f"{i}-{j}", (i, j)) for i, j in pairs]
