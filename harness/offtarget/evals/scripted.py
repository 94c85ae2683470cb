"""A scripted Inspect model: answers and log-probabilities from functions, nothing loaded or fetched.

It lets the whole stack be tested where the right result is known beforehand (Inspect's own `mockllm`
fetches a tokenizer's vocabulary).
"""

from collections.abc import Callable, Sequence
from typing import Any

from inspect_ai.model import (
    ChatCompletionChoice,
    ChatMessage,
    ChatMessageAssistant,
    GenerateConfig,
    Logprob,
    Logprobs,
    Model,
    ModelAPI,
    ModelOutput,
    ModelUsage,
    modelapi,
)
from inspect_ai.tool import ToolChoice, ToolInfo

Answer = Callable[[list[ChatMessage]], str]
TokenLogprobs = Callable[[list[ChatMessage]], Sequence[tuple[str, float]]]


class ScriptedAPI(ModelAPI):  # type: ignore[misc]
    """See `scripted_model`."""

    def __init__(
        self,
        model_name: str = "model",
        base_url: str | None = None,
        api_key: str | None = None,
        config: GenerateConfig | None = None,
        *,
        answer: Answer | None = None,
        logprobs: TokenLogprobs | None = None,
        truncated: bool = False,
    ) -> None:
        super().__init__(model_name, base_url, api_key, [], config or GenerateConfig())
        self.answer = answer
        self.logprobs = logprobs
        self.truncated = truncated

    async def generate(
        self, input: list[ChatMessage], tools: list[ToolInfo], tool_choice: ToolChoice, config: GenerateConfig
    ) -> ModelOutput:
        """What the script says of these messages."""
        found = None
        if config.prompt_logprobs and self.logprobs:
            found = Logprobs(content=[Logprob(token=t, logprob=v) for t, v in self.logprobs(input)])
        text = self.answer(input) if self.answer else ""
        choice = ChatCompletionChoice(
            message=ChatMessageAssistant(content=text, model=self.model_name, source="generate"),
            stop_reason="max_tokens" if self.truncated else "stop",
            prompt_logprobs=found,
        )
        return ModelOutput(model=self.model_name, choices=[choice], usage=ModelUsage())

    async def count_text_tokens(self, text: str) -> int:
        """Words."""
        return len(text.split())


@modelapi(name="scripted")  # type: ignore[untyped-decorator]
def scripted() -> type[ModelAPI]:
    """The scripted provider, for `scripted_model`."""
    return ScriptedAPI


def scripted_model(
    answer: Answer | None = None, logprobs: TokenLogprobs | None = None, *, truncated: bool = False
) -> Model:
    """A model that says what it is told.

    Args:
        answer: from the messages to the answer; without it every answer is empty.
        logprobs: from the messages to (token, log-probability) pairs; without it there are none, as with
            most providers.
        truncated: every answer counts as cut off at the token limit.
    """
    make: Any = scripted
    api = make(model_name="model", answer=answer, logprobs=logprobs, truncated=truncated)
    return Model(api, GenerateConfig())
