"""The shapes that public preference sets have, each as a record of column names with one method.

`candidates(row)` says which response is to be preferred to which. Records, so that a card can hold them;
`adapters.adapt` makes pairs of the candidates.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, ValidationError, model_validator

from offtarget.data import messages as msg
from offtarget.data.amounts import Amount, amount_of, on_one_scale
from offtarget.data.cells import NO_AMOUNT, Row, is_empty, label_key, take
from offtarget.data.messages import Drop
from offtarget.data.serialised import texts_of
from offtarget.data.transcripts import parse_transcript
from offtarget.errors import ConfigError, DataError, unknown_name
from offtarget.records import Record, explain

Label = int | str


@dataclass(frozen=True, slots=True)
class Candidate:
    """Two raw responses, the preferred one first, and the raw prompt (None: within the responses)."""

    prompt: Any
    chosen: Any
    rejected: Any
    columns: tuple[str, str, str]
    """Where the three came from, for messages."""
    tag: str = ""
    places: tuple[int, int] | None = None
    """Where the two are in their lists, where the columns hold lists of responses."""
    records: tuple[Row, Row] | None = None
    """The records that the two are in, where each has one of its own."""


class Adapter(Record):
    """Base of all adapters. String fields other than `name` are names of columns."""

    not_columns: ClassVar[frozenset[str]] = frozenset({"name"})

    def candidates(self, row: Row) -> list[Candidate]:
        """Which response the row prefers to which; raises `Drop` where it prefers none."""
        raise NotImplementedError

    def column_fields(self) -> dict[str, str]:
        """Field -> column name, for the fields that hold one column."""
        values = {k: getattr(self, k) for k in type(self).model_fields if k not in self.not_columns}
        return {k: v for k, v in values.items() if isinstance(v, str)}

    def used_columns(self) -> set[str]:
        """All columns that the adapter reads."""
        used = set(self.column_fields().values())
        for k in type(self).model_fields:
            value = getattr(self, k)
            if k not in self.not_columns and isinstance(value, tuple):
                used.update(value)
        return used

    def compared_columns(self) -> tuple[str, ...]:
        """The columns whose amounts are held against each other."""
        return ()

    def with_columns(self, columns: Mapping[str, str]) -> "Adapter":
        """The same adapter with some fields pointed at other columns (`--columns field=column`).

        Fields that hold several columns or labels are written with bars between them: `a_wins=A|A>B`.

        Raises:
            ConfigError: no such field, or a value that it cannot have.
        """
        fields = {k: f for k, f in type(self).model_fields.items() if k != "name"}
        changed: dict[str, Any] = {}
        for key, value in columns.items():
            field = ALIASES.get(key, key)
            if field not in fields:
                raise unknown_name("column role", key, [*fields, *ROW_ROLES])
            several = isinstance(getattr(self, field), tuple)
            changed[field] = tuple(v.strip() for v in value.split("|")) if several else value
        try:
            return type(self).model_validate({**self.model_dump(), **changed})
        except ValidationError as e:
            raise ConfigError(f"--columns: {said_by(e)}") from None


def said_by(error: ValidationError) -> str:
    """What is wrong with the fields of an adapter, for who wrote them on the command line."""
    first = error.errors()[0]
    field = str(first["loc"][0]) if first["loc"] else ""
    context = first.get("ctx", {})
    if first["type"] == "literal_error":
        return f"{field} is '{first['input']}'; it must be {context['expected']}"
    if first["type"] == "extra_forbidden":
        return f"role {field} does not go with the others that are given"
    if first["type"] == "too_short":
        return f"{field} needs at least {context['min_length']} columns"
    return explain(error, Adapter)


ALIASES = {"a": "response_a", "b": "response_b"}
"""Short names of roles on the command line."""
ROW_ROLES = ("id", "group", "split", "system", "context", "input", "earlier", "ignore")
"""Roles of a row as a whole, which every shape has."""


def _prompt(row: Row, column: str | None) -> Any:
    return None if column is None else take(row, column, "prompt")


class Transcript(Adapter):
    """Shape 1: chosen and rejected are whole transcripts that differ in the last assistant turn."""

    name: Literal["transcript"] = "transcript"
    chosen: str = "chosen"
    rejected: str = "rejected"

    def candidates(self, row: Row) -> list[Candidate]:
        """One candidate; both transcripts must be the same up to their last turn."""
        sides = []
        for role, column in (("chosen", self.chosen), ("rejected", self.rejected)):
            text = take(row, column, role)
            if not isinstance(text, str):
                raise DataError(f"column '{column}' is not text but {type(text).__name__}")
            turns = parse_transcript(text)
            if turns[-1]["role"] != "assistant":
                raise Drop(msg.NO_REPLY)
            sides.append(turns)
        a, b = sides
        if a[:-1] != b[:-1] or len(a) < 2:
            raise Drop(msg.PROMPTS_DIFFER)
        return [Candidate(a[:-1], a[-1:], b[-1:], ("prompt", self.chosen, self.rejected))]


class ChosenRejected(Adapter):
    """Shape 2: chosen and rejected, each a string or a message list, with or without a prompt column.

    Message lists may hold the prompt too. Without a prompt column the prompt is the longest common
    prefix of the two lists that ends in a user turn.
    """

    name: Literal["chosen_rejected"] = "chosen_rejected"
    prompt: str | None = "prompt"
    chosen: str = "chosen"
    rejected: str = "rejected"

    def candidates(self, row: Row) -> list[Candidate]:
        """One candidate."""
        chosen, rejected = take(row, self.chosen, "chosen"), take(row, self.rejected, "rejected")
        names = (self.prompt or "", self.chosen, self.rejected)
        return [Candidate(_prompt(row, self.prompt), chosen, rejected, names)]


class TwoResponses(Adapter):
    """Shape 3: two responses and who won.

    Exactly one of: `label` with `a_wins` and `b_wins` (`ties` are dropped); `label` with `scale`, where the sign says
    who won and 0 is a tie; `label` with `label_is`, where it holds the winner's text, or its name as in `name_a` and
    `name_b` (the loser's where `label_says` is loser); `votes_a` with `votes_b`, of which the higher wins; `rank_a` with
    `rank_b`, of which the lower wins. Labels are compared as text, without
    case, and 1, 1.0 and true are the same.
    """

    not_columns = frozenset({"name", "a_wins", "b_wins", "ties", "scale", "label_is", "label_says"})
    name: Literal["two_responses"] = "two_responses"
    prompt: str | None = "prompt"
    response_a: str = "response_a"
    response_b: str = "response_b"
    label: str | None = None
    a_wins: tuple[Label, ...] = ()
    b_wins: tuple[Label, ...] = ()
    ties: tuple[Label, ...] = ()
    scale: Literal["negative_a", "positive_a"] | None = None
    label_is: Literal["text", "name"] | None = None
    label_says: Literal["winner", "loser"] | None = None
    """Whose text or name the label holds; None is the winner's."""
    name_a: str | None = None
    name_b: str | None = None
    votes_a: str | None = None
    votes_b: str | None = None
    rank_a: str | None = None
    rank_b: str | None = None

    @model_validator(mode="after")
    def _one_rule(self) -> "TwoResponses":
        by_label = self.label is not None and bool(self.a_wins or self.b_wins)
        by_scale = self.label is not None and self.scale is not None
        by_text = self.label is not None and self.label_is is not None
        by_votes = self.votes_a is not None and self.votes_b is not None
        by_rank = self.rank_a is not None and self.rank_b is not None
        if by_label + by_scale + by_text + by_votes + by_rank != 1:
            raise ValueError(
                "who won must be said in one way: label with a_wins and b_wins, or label with scale, "
                "or label with label_is, or votes_a with votes_b, or rank_a with rank_b"
            )
        if self.label_is == "name" and not (self.name_a and self.name_b):
            raise ValueError("label_is: name needs name_a and name_b, the columns with the names of the two")
        if self.label_says is not None and self.label_is is None:
            raise ValueError("label_says goes with label_is; a_wins and b_wins say themselves who won")
        return self

    def compared_columns(self) -> tuple[str, ...]:
        """Those of votes or ranks."""
        return tuple(c for c in (self.votes_a, self.votes_b, self.rank_a, self.rank_b) if c)

    def candidates(self, row: Row) -> list[Candidate]:
        """One candidate, or a drop for a tie or a missing label."""
        a, b = take(row, self.response_a, "response_a"), take(row, self.response_b, "response_b")
        prompt = _prompt(row, self.prompt)
        if self.a_won(row):
            return [Candidate(prompt, a, b, (self.prompt or "", self.response_a, self.response_b))]
        return [Candidate(prompt, b, a, (self.prompt or "", self.response_b, self.response_a))]

    def a_won(self, row: Row) -> bool:
        """Whether the row says that the first response won.

        Raises:
            Drop: a tie, or no label.
            DataError: a label that is none of those known.
        """
        if self.votes_a is not None and self.votes_b is not None:
            return _difference(row, self.votes_a, self.votes_b) > 0
        if self.rank_a is not None and self.rank_b is not None:
            return _difference(row, self.rank_b, self.rank_a) > 0
        assert self.label is not None
        if self.scale is not None:
            sign = _sign(_amount_in(row, self.label).value)
            return sign < 0 if self.scale == "negative_a" else sign > 0
        value = take(row, self.label, "label")
        if value is None or value == "":
            raise Drop(msg.NO_LABEL)
        key = label_key(value)
        a_wins, b_wins = self.a_wins, self.b_wins
        if self.label_is is not None:
            by_name = self.label_is == "name"
            columns = (str(self.name_a), str(self.name_b)) if by_name else (self.response_a, self.response_b)
            a_wins, b_wins = ((str(take(row, c)),) for c in columns)
            if self.label_says == "loser":
                a_wins, b_wins = b_wins, a_wins
        won = [key in map(label_key, labels) for labels in (a_wins, b_wins)]
        if won[0] != won[1]:
            return won[0]
        if key in map(label_key, self.ties) or (won[0] and won[1]):
            raise Drop(msg.TIE)
        known = ", ".join(str(x)[:40] for x in (*a_wins, *b_wins, *self.ties))
        raise DataError(f"column '{self.label}' says '{str(value)[:80]}', which is none of the labels {known}")


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
        prompt = _prompt(row, self.prompt)
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
        return _by_scores(on_one_scale([_amount_in(row, c) for c in self.scores]), self.pairs)


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
        amounts = on_one_scale([_amount(v, f"column '{column}', entry {n}") for n, v in enumerate(given, start=1)])
        scores = amounts if self.scores else [-a for a in amounts]
        prompt, names = _prompt(row, self.prompt), (self.prompt or "", self.responses, self.responses)
        return [
            Candidate(prompt, responses[i], responses[j], names, f"{i}-{j}", (i, j))
            for i, j in _by_scores(scores, self.pairs)
        ]


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
        prompt = _prompt(row, self.prompt)
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


AnyAdapter = Annotated[
    Transcript | ChosenRejected | TwoResponses | OneOfMany | RatedTurns | Lists | ScoredList,
    Field(discriminator="name"),
]
ADAPTERS: dict[str, type[Adapter]] = {
    "transcript": Transcript,
    "chosen_rejected": ChosenRejected,
    "two_responses": TwoResponses,
    "one_of_many": OneOfMany,
    "rated_turns": RatedTurns,
    "lists": Lists,
    "scored_list": ScoredList,
}


def _difference(row: Row, one: str, other: str) -> float:
    """By how much one column is above another, raising `Drop` where they are equal or empty."""
    a, b = on_one_scale([_amount_in(row, one), _amount_in(row, other)])
    return _sign(a - b)


def _amount_in(row: Row, column: str) -> Amount:
    return _amount(take(row, column), f"column '{column}'")


def _amount(value: Any, what: str) -> Amount:
    """A score or rank, raising `Drop` where there is none."""
    if is_empty(value) or (isinstance(value, str) and value.strip().lower() in NO_AMOUNT):
        raise Drop(msg.NO_LABEL)
    amount = amount_of(label_key(value) if str(value).strip().lower() in ("true", "false") else value)
    if amount is None:
        raise DataError(f"{what} says '{str(value)[:80]}', which is not a number")
    return amount


def _sign(x: float) -> float:
    if x == 0:
        raise Drop(msg.TIE)
    return x
