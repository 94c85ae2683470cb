"""The door to language models: each question once, answers kept, the first failure ends the rest."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from offtarget.asking import ask_all, unanswered
from offtarget.errors import UndecidedError
from offtarget.evals.scripted import scripted_model
from offtarget.store import Store


class Told:
    """A model that answers with the question in capitals, and what it was asked."""

    def __init__(self, fails: str = "", empty: str = "") -> None:
        self.asked: list[str] = []
        self.fails, self.empty = fails, empty
        self.model = scripted_model(self._answer)

    def _answer(self, messages: Any) -> str:
        text = str(messages[-1].text)
        self.asked.append(text)
        if text == self.fails:
            raise RuntimeError("[red]no\nquota[/red]")
        return "" if text == self.empty else f" {text.upper()}\n"


def test_equal_questions_are_asked_once_and_answers_keep_their_order(tmp_path: Path) -> None:
    told, steps = Told(), []
    got = ask_all(told.model, ["b", "a", "b"], max_tokens=8, store=Store(tmp_path), progress=lambda *x: steps.append(x))
    assert got == ["B", "A", "B"]
    assert sorted(told.asked) == ["a", "b"]
    assert steps == [(0, 2), (1, 2), (2, 2)]


def test_what_was_answered_is_not_asked_again_by_the_same_settings(tmp_path: Path) -> None:
    told, store = Told(), Store(tmp_path)
    ask_all(told.model, ["a"], max_tokens=8, store=store)
    assert unanswered(told.model, ["a", "b", "b"], max_tokens=8, store=store) == ["b"]
    assert ask_all(told.model, ["b", "a"], max_tokens=8, store=store) == ["B", "A"]
    assert told.asked == ["a", "b"]
    ask_all(told.model, ["a"], max_tokens=9, store=store)
    assert told.asked == ["a", "b", "a"]


def test_an_empty_answer_is_not_kept(tmp_path: Path) -> None:
    told, store = Told(empty="a"), Store(tmp_path)
    assert ask_all(told.model, ["a"], max_tokens=8, store=store) == [""]
    assert unanswered(told.model, ["a"], max_tokens=8, store=store) == ["a"]


def test_the_first_failure_is_one_line_and_what_was_answered_is_kept(tmp_path: Path) -> None:
    told, store = Told(fails="c"), Store(tmp_path)
    with pytest.raises(UndecidedError) as e:
        ask_all(told.model, ["a", "b", "c"], max_tokens=8, store=store, what="judge")
    assert str(e.value).startswith("judge 'scripted/model' does not answer: no quota")
    left = unanswered(told.model, ["a", "b", "c"], max_tokens=8, store=store)
    assert "c" in left
    again = Told()
    assert ask_all(again.model, ["a", "b", "c"], max_tokens=8, store=store) == ["A", "B", "C"]
    assert sorted(again.asked) == sorted(left)


def test_it_may_be_called_where_a_loop_is_running(tmp_path: Path) -> None:
    async def notebook() -> list[str]:
        return ask_all(Told().model, ["a"], max_tokens=8, store=Store(tmp_path))

    assert asyncio.run(notebook()) == ["A"]


def test_the_limit_on_requests_at_once_is_handed_to_inspect(tmp_path: Path) -> None:
    seen: list[int | None] = []

    class Model:
        async def generate(self, prompt: str, config: Any) -> Any:
            seen.append(config.max_connections)
            return type("Output", (), {"completion": prompt})

    ask_all(Model(), ["a"], max_tokens=8, store=Store(tmp_path / "a"), connections=3)
    ask_all(Model(), ["a"], max_tokens=8, store=Store(tmp_path / "b"))
    assert seen == [3, None]
