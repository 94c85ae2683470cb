"""Conversations written as running text with marks for who speaks: hh-rlhf, chat templates, "User: ... Assistant: ..."."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from offtarget.data.messages import NO_TRANSCRIPT, ROLES, Drop, clean
from offtarget.data.pairs import Message


@dataclass(frozen=True)
class Marks:
    """One way to write who speaks."""

    shown: str
    """The marks as a person knows them."""
    head: re.Pattern[str]
    """A mark; its first group is the speaker."""
    ends: tuple[str, ...] = ()
    """What ends a turn, cut off where it is there."""
    sure: bool = True
    """Whether a text that begins so can be nothing else. Plain words need the evidence of a whole column."""
    preamble: re.Pattern[str] | None = None
    """What may be before the first mark: a system turn."""
    roles: Mapping[str, str] = field(default_factory=lambda: ROLES)


_PREAMBLE = re.compile(r"\s*Below is an instruction[^#]*")
_INSTRUCTION = {**ROLES, "instruction": "user", "input": "user", "response": "assistant"}
HH = Marks("Human: / Assistant:", re.compile(r"(?:\A\s*|\n\n)(Human|Assistant):"))
FORMS = (
    HH,
    Marks("<|im_start|>", re.compile(r"<\|im_start\|>[ ]?(\w+)[ ]*\n?"), ("<|im_end|>", "<|endoftext|>")),
    Marks(
        "<|start_header_id|>",
        re.compile(r"<\|start_header_id\|>\s*(\w+)\s*<\|end_header_id\|>"),
        ("<|eot_id|>", "<|end_of_text|>", "<|eom_id|>"),
    ),
    Marks("<start_of_turn>", re.compile(r"<start_of_turn>\s*(user|model|system)\b"), ("<end_of_turn>", "<eos>")),
    Marks(
        "<|user|> / <|assistant|>",
        re.compile(r"<\|(system|user|assistant|prompter|human|bot|tool|observation)\|>"),
        ("</s>", "<|end|>", "<|endoftext|>", "<|eos|>"),
    ),
    Marks("<｜User｜>", re.compile(r"<｜(System|User|Assistant)｜>"), ("<｜end▁of▁sentence｜>",)),
    Marks(
        "<|START_OF_TURN_TOKEN|>",
        re.compile(r"<\|START_OF_TURN_TOKEN\|><\|(USER|CHATBOT|SYSTEM)_TOKEN\|>"),
        ("<|END_OF_TURN_TOKEN|>",),
    ),
    Marks(
        "[INST]", re.compile(r"(?:<s>\s*)?(\[/?INST\])"), ("</s>",), roles={"[inst]": "user", "[/inst]": "assistant"}
    ),
    Marks(
        "### Instruction: / ### Response:",
        re.compile(r"(?:\A|\n)\s*#{2,3} ?(Instruction|Input|Response|Human|User|Assistant|System) ?:"),
        ("</s>",),
        preamble=_PREAMBLE,
        roles=_INSTRUCTION,
    ),
    Marks(
        "User: / Assistant:",
        re.compile(r"(?:\A\s*|\n\s*)(User|USER|Human|HUMAN|Assistant|ASSISTANT|AI|Bot|BOT|System|SYSTEM) ?:"),
        ("</s>",),
        sure=False,
    ),
    Marks(
        "USER: / ASSISTANT:",
        re.compile(r"(?:\A\s*|\s)(USER|ASSISTANT|SYSTEM):"),
        ("</s>",),
        sure=False,
        preamble=re.compile(r".{,500}", re.DOTALL),
    ),
)
_BEGIN = re.compile(r"\s*(?:<s>|<bos>|<\|begin_of_text\|>|<\|endoftext\|>|<｜begin▁of▁sentence｜>|<BOS_TOKEN>)\s*")
_OPENING = re.compile(
    r"\s*(?:<[|｜]|<s>|<bos>|<start_of_turn>|<BOS_TOKEN>|\[INST\]|#{2,3} ?[A-Z]|(?:Human|Assistant):|Below is an instruction)"
)
_SYSTEM = re.compile(r"\s*<<SYS>>(.*?)<</SYS>>", re.DOTALL)


@dataclass(frozen=True)
class Talk:
    """A text that was parsed."""

    turns: list[Message]
    open: bool
    """Whether it ended in the mark of an assistant turn with nothing behind it: the answer goes on there."""
    marks: Marks


def parse(text: str, unsure: Marks | None = None) -> Talk | None:
    """The turns of a text that begins with a mark for who speaks; None if it does not.

    Args:
        text: a whole cell.
        unsure: marks of plain words that the whole column is known to use.
    """
    if _OPENING.match(text):
        for marks in FORMS:
            if marks.sure and (talk := parse_as(text, marks)) is not None:
                return talk
    return parse_as(text, unsure) if unsure else None


def parse_as(text: str, marks: Marks) -> Talk | None:
    """As `parse`, with one kind of marks."""
    text = clean(text)
    if begin := _BEGIN.match(text):
        text = text[begin.end() :]
    heads = list(marks.head.finditer(text))
    if not heads:
        return None
    before = text[: heads[0].start()]
    turns: list[Message] = []
    if before.strip():
        if marks.preamble is None or not marks.preamble.fullmatch(before):
            return None
        turns.append({"role": "system", "content": before.strip()})
    for head, following in zip(heads, [*heads[1:], None], strict=True):
        who = head[1].lower()
        if who not in marks.roles:
            return None
        said = _ended(text[head.end() : following.start() if following else None], marks)
        role = marks.roles[who]
        if who == "[inst]" and (system := _SYSTEM.match(said)):
            turns.append({"role": "system", "content": system[1].strip()})
            said = said[system.end() :].strip()
        if who == "input" and turns and turns[-1]["role"] == "user":
            turns[-1]["content"] = "\n".join(filter(None, (turns[-1]["content"], said)))
        else:
            turns.append({"role": role, "content": said})
    waits = turns[-1] == {"role": "assistant", "content": ""} and len(turns) > 1
    if waits:
        turns.pop()
    if len(turns) == 1 and not waits and marks.head is HH.head and not text.startswith("\n\n"):
        return None  # "Human: ..." and no more may be anything
    return Talk(turns, waits, marks)


def _ended(said: str, marks: Marks) -> str:
    said = said.strip()
    for end in marks.ends:
        while said.endswith(end):
            said = said.removesuffix(end).rstrip()
    return said


def without_end(text: str, marks: Marks) -> str:
    """An answer without what ends a turn."""
    return _ended(text, marks)


def alternates(talk: Talk) -> bool:
    """Whether user and assistant take turns, after a system turn at most: what a mistaken mark would break."""
    roles = [m["role"] for m in talk.turns if m["role"] != "system"]
    return len(roles) + talk.open > 1 and all(role == ("user", "assistant")[i % 2] for i, role in enumerate(roles))


def parse_transcript(text: str) -> list[Message]:
    """Turns of a transcript in the form of hh-rlhf: blank line, `Human:` or `Assistant:`, text.

    White space around each turn is cut off, and an answer that is empty is kept.

    Raises:
        Drop: there is text before the first turn, or no turn at all.
    """
    head, *rest = HH.head.split(clean(text))
    if head.strip() or not rest:
        raise Drop(NO_TRANSCRIPT)
    return [
        {"role": HH.roles[who.lower()], "content": said.strip()}
        for who, said in zip(rest[::2], rest[1::2], strict=True)
    ]
