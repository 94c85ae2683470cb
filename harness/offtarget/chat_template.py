"""Chat templates: Jinja text that turns messages into the text that a model reads."""

import traceback
from pathlib import Path
from typing import Any

from offtarget.errors import ConfigError

PROBES: tuple[list[dict[str, str]], ...] = (
    [{"role": "user", "content": "What is tea?"}],
    [{"role": "user", "content": "What is tea?"}, {"role": "assistant", "content": "Leaves in hot water."}],
)
"""Conversations that every template must take."""


def read_template(path: str) -> str:
    """The text of a chat template.

    Raises:
        ConfigError: there is no such file, or it is not Jinja.
    """
    import jinja2

    try:
        text = Path(path).read_text(encoding="utf-8")
        jinja2.Environment(autoescape=False).parse(text)  # noqa: S701 - only parsed, and chat templates are no HTML
    except (OSError, UnicodeDecodeError) as e:
        raise ConfigError(f"chat template {path}: cannot be read ({e}); give a Jinja file") from e
    except jinja2.TemplateSyntaxError as e:
        raise ConfigError(f"chat template {path}, line {e.lineno}: {e.message}") from e
    return text


def check_template(tokenizer: Any, whose: str) -> None:
    """Refuse a tokenizer whose chat template cannot render the plainest conversations, or drops what was said.

    Args:
        tokenizer: with its template, which runs in the sandbox of transformers.
        whose: named in messages.

    Raises:
        ConfigError: with the template's line where it is known.
    """
    for messages in PROBES:
        last = messages[-1]
        try:
            text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=last["role"] == "user")
        except Exception as e:  # a template may raise whatever an expression in it raises
            raise ConfigError(
                f"chat template of {whose}{_line_of(e)}: {type(e).__name__}: {' '.join(str(e).split())[:200]}; correct it, or "
                "give another with --chat-template FILE.jinja"
            ) from e
        if not isinstance(text, str) or last["content"] not in text:
            raise ConfigError(
                f"chat template of {whose}: leaves out what the {last['role']} says; give another with --chat-template"
            )


def _line_of(error: BaseException) -> str:
    """Where in the template an error arose."""
    line = getattr(error, "lineno", None)
    if line is None:
        frames = traceback.extract_tb(error.__traceback__)
        line = next((f.lineno for f in reversed(frames) if f.filename == "<template>"), None)
    return "" if line is None else f", line {line}"
