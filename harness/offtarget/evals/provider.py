"""The Inspect provider `offtarget`: `inspect eval tasks/verbosity.py --model offtarget/smollm2-135m`.

The name after the slash is an alias, a directory (`offtarget//abs/path`, or `-M model_path=DIR`), or
`hf:org/name@revision`. Requests that arrive together run together; nothing but a hub model ever touches
the network. torch is imported when a model is made.

Log-probabilities come through Inspect's `prompt_logprobs` (its own seam, made for vLLM). Two notes that
a task may leave in the metadata of a message save work or say more, and mean nothing to others:

- `{"prompt_logprobs": "message"}` on a last assistant message: only its tokens are reported.
- `{"plain_text": true}` on a single user message: its text is read as it is, without the chat
  template, after the model's bos token (eos where it has none), as vLLM's completions endpoint would.
"""

import functools
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from inspect_ai._util.error import PrerequisiteError
from inspect_ai.model import (
    ChatCompletionChoice,
    ChatMessage,
    ChatMessageAssistant,
    GenerateConfig,
    Logprob,
    Logprobs,
    ModelAPI,
    ModelOutput,
    ModelUsage,
    modelapi,
)
from inspect_ai.tool import ToolChoice, ToolInfo

from offtarget import models
from offtarget.data.pairs import Message
from offtarget.errors import ConfigError, OfftargetError
from offtarget.evals.batching import Batcher, Stopped
from offtarget.evals.policy import Completion, Policy, PromptEncoder, Sampling
from offtarget.evals.pool import Rollouts
from offtarget.progress import Steps

if TYPE_CHECKING:
    from offtarget.evals.served import ServedPolicy

CONNECTIONS = 512
"""Requests that Inspect may have open at once: many full batches, so that lengths can be sorted."""


class OfftargetAPI(ModelAPI):  # type: ignore[misc]
    """A local policy as an Inspect model.

    Args:
        model_name: alias, directory or `hf:` id.
        base_url: not used.
        api_key: not used.
        config: Inspect's; a number of connections is set there unless one is given.
        policy: an already loaded policy.
        rollouts: answers that were sampled before: a prompt found there is not generated again.
        progress: called with (done, all) while the model works.
        model_path: a directory, instead of `model_name`.
        dtype: "bfloat16" or "float32"; None: what suits the machine (`machine.precision`).
        template: path of a Jinja chat template, for models that have none.
    """

    def __init__(
        self,
        model_name: str,
        base_url: str | None = None,
        api_key: str | None = None,
        config: GenerateConfig | None = None,
        *,
        policy: "Policy | ServedPolicy | Callable[[], Policy | ServedPolicy] | None" = None,
        rollouts: Rollouts | None = None,
        progress: Steps | None = None,
        model_path: str | None = None,
        dtype: str | None = None,
        template: str | None = None,
    ) -> None:
        config = config or GenerateConfig()
        super().__init__(model_name, base_url, api_key, [], config)
        # Inspect would start with 20 connections and grow; a batch wants them all at once
        if config.max_connections is None and config.adaptive_connections is None:
            config.max_connections = CONNECTIONS
        if policy is None:
            # found now, so that a wrong name is said at once; loaded when first used, since Inspect also
            # makes models only to ask for their names
            try:
                ref = models.resolve(model_path or model_name)
            except OfftargetError as e:
                raise PrerequisiteError(str(e)) from e
            policy = functools.partial(Policy.load, ref, dtype=dtype, template=template)
        self._policy = policy
        self._rollouts = rollouts
        self._progress = progress
        self._samplers: dict[Sampling, Batcher[list[int], Completion]] = {}
        self._scorer = Batcher(self._score)

    @property
    def policy(self) -> "Policy | ServedPolicy":
        """The policy, loaded when first needed."""
        if not isinstance(self._policy, PromptEncoder):
            self._policy = self._policy()
        return self._policy

    async def generate(
        self, input: list[ChatMessage], tools: list[ToolInfo], tool_choice: ToolChoice, config: GenerateConfig
    ) -> ModelOutput:
        """One answer, or the log-probabilities of a prompt.

        With `prompt_logprobs` and `max_tokens` of at most 1 nothing is generated.
        """
        if tools:
            raise ConfigError("models of the provider offtarget call no tools: use another provider for this task")
        if config.prompt_logprobs:
            return await self._prompt_logprobs(input, config)
        messages: list[Message] = [{"role": m.role, "content": m.text} for m in input]
        sampling = _sampling(config)
        completion = self._rollouts.find(messages, sampling) if self._rollouts else None
        n_input = 0
        if completion is None:
            ids = self.policy.encode(messages)
            n_input = len(ids)
            completion = await self._sampler(sampling)(ids)
        text, truncated = completion.text, completion.truncated
        for stop in config.stop_seqs or []:
            if stop in text:
                text, truncated = text.split(stop)[0], False
        choice = ChatCompletionChoice(
            message=ChatMessageAssistant(content=text, model=self.model_name, source="generate"),
            stop_reason="max_tokens" if truncated else "stop",
        )
        return self._output(choice, n_input, completion.n_tokens)

    async def _prompt_logprobs(self, input: list[ChatMessage], config: GenerateConfig) -> ModelOutput:
        if (config.prompt_logprobs or 0) > 1 or (config.max_tokens or 1) > 1:
            raise ConfigError(
                "the provider offtarget gives the log-probabilities of the prompt's own tokens alone: "
                "set prompt_logprobs=1 and max_tokens=1"
            )
        notes = input[-1].metadata or {}
        if notes.get("plain_text") and len(input) == 1:
            ids, start = self.policy.start_ids + self.policy.tokens(input[0].text), 1
        else:
            ids, start = self.policy.encode([{"role": m.role, "content": m.text} for m in input]), 1
            if notes.get("prompt_logprobs") == "message" and input[-1].role == "assistant":
                start = len(ids) - len(self.policy.tokens(input[-1].text))
        values = await self._scorer((ids[:start], ids[start:]))
        decode = self.policy.tokenizer.decode
        content = [Logprob(token=decode([t]), logprob=v) for t, v in zip(ids[start:], values, strict=True)]
        choice = ChatCompletionChoice(
            message=ChatMessageAssistant(content="", model=self.model_name, source="generate"),
            stop_reason="stop",
            prompt_logprobs=Logprobs(content=content),
        )
        return self._output(choice, len(ids), 0)

    def _output(self, choice: ChatCompletionChoice, n_input: int, n_output: int) -> ModelOutput:
        usage = ModelUsage(input_tokens=n_input, output_tokens=n_output, total_tokens=n_input + n_output)
        return ModelOutput(model=self.model_name, choices=[choice], usage=usage)

    def _sampler(self, sampling: Sampling) -> Batcher[list[int], Completion]:
        if sampling not in self._samplers:

            def run(prompts: list[list[int]], stop: threading.Event) -> list[Completion]:
                # equal prompts get equal answers here: how requests fall into batches is a matter of timing
                unique = {tuple(p): p for p in prompts}
                done = self.policy.complete(list(unique.values()), sampling, progress=self._watch(stop))
                by_prompt = dict(zip(unique, done, strict=True))
                return [by_prompt[tuple(p)] for p in prompts]

            self._samplers[sampling] = Batcher(run)
        return self._samplers[sampling]

    def _score(self, requests: list[tuple[list[int], list[int]]], stop: threading.Event) -> list[list[float]]:
        return self.policy.logprobs(requests, progress=self._watch(stop))

    def _watch(self, stop: threading.Event) -> Steps:
        def report(done: int, total: int) -> None:
            if stop.is_set():
                raise Stopped
            if self._progress:
                self._progress(done, total)

        return report

    def max_connections(self) -> int:
        """How many requests may be open at once."""
        return CONNECTIONS

    async def tokenize(self, text: str) -> list[int]:
        """Token ids of bare text."""
        return self.policy.tokens(text)

    async def count_text_tokens(self, text: str) -> int:
        """Exact, by the model's own tokenizer (Inspect's default would fetch one)."""
        return len(self.policy.tokens(text))


def _sampling(config: GenerateConfig) -> Sampling:
    """Inspect's settings as ours; what is not set has the default of `Sampling`."""
    given = {
        "max_tokens": config.max_tokens,
        "temperature": config.temperature,
        "top_p": config.top_p,
        "seed": config.seed,
    }
    return Sampling(**{k: v for k, v in given.items() if v is not None})


@modelapi(name="offtarget")  # type: ignore[untyped-decorator]
def offtarget() -> type[ModelAPI]:
    """The provider, as Inspect finds it by the entry point."""
    return OfftargetAPI
