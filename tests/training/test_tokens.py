"""Rows that cannot be trained on are named and counted."""

from pathlib import Path

from offtarget.data.pairs import Pair
from offtarget.models import load_tokenizer
from offtarget.training.tokens import tokenise, trainable


def pair(pid: str, prompt: str, chosen: str, rejected: str, system: str | None = None) -> Pair:
    turns = [{"role": "system", "content": system}] if system else []
    turns.append({"role": "user", "content": prompt})
    return Pair(
        pid, pid, turns, [{"role": "assistant", "content": chosen}], [{"role": "assistant", "content": rejected}]
    )  # type: ignore[arg-type]


def test_lost_rows_are_counted_by_reason(tiny_model: Path) -> None:
    tokenizer = load_tokenizer(str(tiny_model))
    long = "word " * 300
    answer = "one two three four five six seven eight nine ten eleven twelve"
    prompts = (pair("short", "word " * n, answer, "nothing") for n in range(96))
    short = next(p for p in prompts if 96 - len(tokenise(tokenizer, p).prompt) < 10)
    pairs = [
        pair("fine", "Say something.", "A cat sat.", "A dog ran."),
        pair("full", long, "yes", "no"),
        pair("equal", "Say something.", long + "left", long + "right"),
        short,
    ]
    kept, ids, lost = trainable(pairs, tokenizer, max_length=96, min_answer_tokens=10)
    assert [p.id for p in kept] == ["fine"] == [t.id for t in ids]
    assert lost == {"prompt fills max_length": 1, "equal after truncation": 1, "answer cut below 10 tokens": 1}


def test_the_last_user_turn_starts_where_earlier_turns_end(tiny_model: Path) -> None:
    tokenizer = load_tokenizer(str(tiny_model))
    turns = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hello?"},
        {"role": "assistant", "content": "Hello."},
        {"role": "user", "content": "What now?"},
    ]
    answer = [{"role": "assistant", "content": "Rest."}]
    t = tokenise(tokenizer, Pair("a", "a", turns, answer, [{"role": "assistant", "content": "Run."}]))  # type: ignore[arg-type]
    assert tokenizer.decode(t.prompt[t.last_turn :]) == "<|im_start|>user\nWhat now?<|im_end|>\n<|im_start|>assistant\n"
    assert tokenizer.decode(t.chosen) == "Rest.<|im_end|>\n"
    single = tokenise(tokenizer, pair("b", "What now?", "Rest.", "Run."))
    assert "What now?" in tokenizer.decode(single.prompt[single.last_turn :])
    assert "helpful AI assistant" not in tokenizer.decode(single.prompt[single.last_turn :])


def test_what_the_template_refuses_is_counted_and_a_lone_system_turn_is_no_reason(tiny_model: Path) -> None:
    tokenizer = load_tokenizer(str(tiny_model))
    tokenizer.chat_template = (
        "{% if messages[-1].role == 'system' %}{{ raise_exception('no user turn') }}{% endif %}"
        "{% for m in messages %}{% if m.content == 'forbidden' %}{{ raise_exception('no') }}{% endif %}"
        "<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
    )
    pairs = [pair("a", "Which way is it?", "left", "right", system="Be brief."), pair("b", "forbidden", "yes", "no")]
    kept, ids, lost = trainable(pairs, tokenizer, max_length=96, min_answer_tokens=1)
    assert [p.id for p in kept] == ["a"] and lost == {"refused by the chat template": 1}
    assert tokenizer.decode(ids[0].prompt[ids[0].last_turn :]).startswith("Which way is it?")
