"""A model under measurement: sampled answers and exact log-probabilities, in batches.

Answers depend on the requests and the seed alone: every request draws its random numbers from its own
stream, named by the seed and its prompt, so neither its place in the list nor the other requests change
them. (In bfloat16 the shape of a batch still changes the last bits of the logits; the same list gives
the same batches.)
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from offtarget import machine, models
from offtarget.data.pairs import Message
from offtarget.evals.row_batches import generation_batches
from offtarget.evals.sampling import draw, uniform_streams
from offtarget.progress import Steps
from offtarget.store import Store

if TYPE_CHECKING:
    from offtarget.evals.token_logprobs import Scorer


@dataclass(frozen=True)
class Sampling:
    """How answers are drawn."""

    max_tokens: int = 128
    temperature: float = 0.7
    """0 is greedy."""
    top_p: float = 0.95
    seed: int = 0


@dataclass(frozen=True)
class Completion:
    """One sampled answer."""

    text: str
    n_tokens: int
    truncated: bool
    """The token limit came before the end of the answer."""


def _dense(_head: Any, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    """The inputs of a head, each in one piece of memory.

    The states of the last position are a strided slice. For such a one, and a head that takes no gradient (as after an
    adapter was merged), torch copies the head's matrix once for each row of the batch: in bfloat16 minutes, and gigabytes.
    """
    return tuple(x.contiguous() for x in inputs)


class PromptEncoder:
    """Conversations and texts as token ids.

    Args:
        tokenizer: with a chat template.
        context: tokens that the model reads.
    """

    def __init__(self, tokenizer: Any, context: int) -> None:
        self.tokenizer, self.context = tokenizer, context

    def encode(self, messages: Sequence[Message]) -> list[int]:
        """Token ids of a conversation up to where the assistant speaks.

        A last assistant turn is an answer begun: its text follows the assistant header, tokenised by
        itself, as generated tokens would.
        """
        if messages and messages[-1]["role"] == "assistant":
            return self.encode(messages[:-1]) + self.tokens(messages[-1]["content"])
        ids = self.tokenizer.apply_chat_template(
            list(messages), tokenize=True, add_generation_prompt=True, return_dict=True
        )["input_ids"]
        return list(ids)

    def _ids(self, prompt: Sequence[Message] | list[int]) -> list[int]:
        if not prompt or isinstance(prompt[0], int):
            return list(prompt)  # type: ignore[arg-type]
        return self.encode(prompt)  # type: ignore[arg-type]

    def _continuations(
        self, requests: Sequence[tuple[Sequence[Message] | list[int], str | list[int]]]
    ) -> list[tuple[list[int], list[int]]]:
        """Prefix and continuation of each request as ids; a ValueError where they do not fit."""
        rows = []
        for prefix, continuation in requests:
            start = self._ids(prefix)
            end = self.tokens(continuation) if isinstance(continuation, str) else continuation
            if not start or len(start) + len(end) > self.context:
                raise ValueError(f"{len(start)} + {len(end)} tokens do not fit (1 to {self.context} can be read)")
            rows.append((start, end))
        return rows

    def tokens(self, text: str) -> list[int]:
        """Token ids of bare text, without any special token."""
        return list(self.tokenizer(text, add_special_tokens=False)["input_ids"])

    @property
    def start_ids(self) -> list[int]:
        """What is before a bare text, so that its first token has a probability: bos, else eos."""
        bos = self.tokenizer.bos_token_id
        return [self.tokenizer.eos_token_id if bos is None else bos]


class Policy(PromptEncoder):
    """A loaded model and its tokenizer.

    Args:
        model: a causal language model of transformers, in evaluation mode.
        tokenizer: its tokenizer, with a chat template.
    """

    def __init__(self, model: Any, tokenizer: Any) -> None:
        super().__init__(tokenizer, getattr(model.config, "max_position_embeddings", None) or 2**30)
        self.model = model
        ends = model.generation_config.eos_token_id
        ends = ends if isinstance(ends, list) else [ends]
        self.end_ids = {e for e in [*ends, tokenizer.eos_token_id] if e is not None}
        head = model.get_output_embeddings()
        if head is not None:
            head.register_forward_pre_hook(_dense)

    @cached_property
    def scorer(self) -> "Scorer":
        """Reads log-probabilities."""
        from offtarget.evals.token_logprobs import Scorer

        return Scorer(self.model, self.tokenizer.pad_token_id, self.start_ids[0])

    @classmethod
    def load(
        cls,
        name: models.ModelRef | str,
        *,
        dtype: str | None = None,
        store: Store | None = None,
        template: str | None = None,
    ) -> "Policy":
        """Load by alias, hub id or directory; on a CUDA device where there is one.

        Raises:
            ConfigError: no such model, or one without a chat template.
            UndecidedError: the hub cannot be reached.
        """
        return cls(*models.load(name, dtype=dtype, store=store, template=template))

    def generate(
        self,
        prompts: Sequence[Sequence[Message] | list[int]],
        *,
        max_tokens: int = 128,
        temperature: float = 0.7,
        top_p: float = 0.95,
        seed: int = 0,
        progress: Steps | None = None,
    ) -> list[str]:
        """Answers, in the order of the prompts; see `complete`."""
        done = self.complete(prompts, Sampling(max_tokens, temperature, top_p, seed), progress=progress)
        return [c.text for c in done]

    def complete(
        self, prompts: Sequence[Sequence[Message] | list[int]], sampling: Sampling, *, progress: Steps | None = None
    ) -> list[Completion]:
        """One answer for each prompt, in their order.

        Args:
            prompts: message lists, or token ids from `encode`.
            sampling: temperature, nucleus, limit and seed. A prompt that occurs k times in the list gets
                k different streams.
            progress: called at every token with the number of finished answers.

        Returns:
            Completions. A prompt that leaves no room in the context gets an empty one.
        """
        rows = [self._ids(p) for p in prompts]
        streams = uniform_streams(rows, sampling.seed, sampling.max_tokens)
        out = [Completion("", 0, False)] * len(rows)
        fit = [i for i, ids in enumerate(rows) if 0 < len(ids) <= self.context - sampling.max_tokens]
        done = len(rows) - len(fit)
        for batch in generation_batches([rows[i] for i in fit]):
            chosen = [fit[j] for j in batch]

            def report(finished: int, before: int = done) -> None:
                if progress:
                    progress(before + finished, len(rows))

            def decode(part: Sequence[int], report: Callable[[int], None] = report) -> list[list[int]]:
                return self._decode([rows[i] for i in part], sampling, [streams[i] for i in part], report)

            ids = machine.in_halves(chosen, decode, "answers")
            for i, generated in zip(chosen, ids, strict=True):
                ended = bool(generated) and generated[-1] in self.end_ids
                text = self.tokenizer.decode(generated, skip_special_tokens=True)
                out[i] = Completion(text, len(generated), truncated=not ended)
            done += len(chosen)
            report(0, done)
        return out

    def _decode(
        self, rows: list[list[int]], sampling: Sampling, streams: list[Any], report: Callable[[int], None]
    ) -> list[list[int]]:
        """Sample one batch with a key-value cache; rows that end leave the batch. Ids with the end token."""
        import torch

        from offtarget.evals import kv_cache

        device = self.model.device
        beginning = kv_cache.common_beginning(rows) if self.scorer.is_plain else []
        n, past, width = len(rows), len(beginning), max(map(len, rows))
        ids = torch.full((n, width - past), self.tokenizer.pad_token_id)
        mask = torch.zeros((n, width + sampling.max_tokens), dtype=torch.long)
        mask[:, :past] = 1
        for r, row in enumerate(rows):
            ids[r, width - len(row) :] = torch.tensor(row[past:])
            mask[r, width - len(row) + past :] = 1
        ids, mask = ids.to(device), mask.to(device)
        out: list[list[int]] = [[] for _ in rows]
        alive = list(range(n))
        finished: set[int] = set()
        positions = (mask[:, :width].cumsum(-1) - 1).clamp(min=0)[:, past:]
        with torch.inference_mode():
            cache = kv_cache.read_once(self.model, beginning, n, device, logits_to_keep=1)
            for step in range(sampling.max_tokens):
                result = self.model(
                    input_ids=ids,
                    attention_mask=mask[:, : width + step],
                    position_ids=positions,
                    past_key_values=cache,
                    use_cache=True,
                    logits_to_keep=1,
                )
                cache = result.past_key_values
                if step == 0:
                    cache = kv_cache.give_room(cache, width + sampling.max_tokens)
                logits = result.logits[:, -1].float()
                uniform = torch.tensor([streams[r][step] for r in alive], dtype=torch.float64)
                ids = draw(logits, sampling.temperature, sampling.top_p, uniform.to(device))[:, None]
                for r, token in zip(alive, ids[:, 0].tolist(), strict=True):
                    if r not in finished:
                        out[r].append(token)
                        if token in self.end_ids:
                            finished.add(r)
                report(len(finished))
                if len(finished) == n:
                    break
                positions = positions[:, -1:] + 1
                keep = [k for k, r in enumerate(alive) if r not in finished]
                if len(keep) <= 0.8 * len(alive) and hasattr(cache, "batch_select_indices"):
                    select = torch.tensor(keep, device=device)
                    cache.batch_select_indices(select)
                    ids, mask, positions = ids[select], mask[select], positions[select]
                    alive = [alive[k] for k in keep]
        return out

    def logprobs(
        self,
        requests: Sequence[tuple[Sequence[Message] | list[int], str | list[int]]],
        *,
        progress: Steps | None = None,
    ) -> list[list[float]]:
        """Log-probability of every token of a continuation, in nats.

        Args:
            requests: (prefix, continuation) pairs. A prefix is a message list (the continuation then
                starts the assistant's answer) or token ids, at least one; a continuation is text,
                tokenised by itself, or token ids.
            progress: called after each batch.

        Returns:
            One list for each request, as long as its continuation has tokens.

        Raises:
            ValueError: an empty prefix, or more tokens than the model's context.
        """
        rows = self._continuations(requests)
        out: list[list[float]] = [[] for _ in rows]
        done = 0
        for batch in self.scorer.batches(rows):
            read = machine.in_halves([rows[i] for i in batch], self.scorer, "log-probabilities")
            for i, values in zip(batch, read, strict=True):
                out[i] = values
            done += len(batch)
            if progress:
                progress(done, len(rows))
        return out
