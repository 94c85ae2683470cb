"""The shapes that public preference sets have, each as a record of column names with one method.

`candidates(row)` says which response is to be preferred to which. Records, so that a card can hold them;
`adapters.adapt` makes pairs of the candidates.
"""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from offtarget.data import messages as msg
from offtarget.data.adapter_base import Adapter, Candidate, Label, amount_in, difference, prompt_of, sign_of
from offtarget.data.cells import Row, label_key, take
from offtarget.data.messages import Drop
from offtarget.data.several_answers import Lists, OneOfMany, RatedTurns, ScoredList, ScoredRows
from offtarget.data.transcripts import parse_transcript
from offtarget.errors import DataError


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
        return [Candidate(prompt_of(row, self.prompt), chosen, rejected, names)]


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
        prompt = prompt_of(row, self.prompt)
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
            return difference(row, self.votes_a, self.votes_b) > 0
        if self.rank_a is not None and self.rank_b is not None:
            return difference(row, self.rank_b, self.rank_a) > 0
        assert self.label is not None
        if self.scale is not None:
            sign = sign_of(amount_in(row, self.label).value)
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


AnyAdapter = Annotated[
    Transcript | ChosenRejected | TwoResponses | OneOfMany | RatedTurns | Lists | ScoredList | ScoredRows,
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
    "scored_rows": ScoredRows,
}
