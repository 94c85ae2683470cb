"""A model under measurement: sampled answers and exact log-probabilities, in batches.

Answers depend on the requests and the seed alone: every request draws its random numbers from its own
stream, named by the seed and its prompt, so neither its place in the list nor the other requests change
them. (In bfloat16 the shape of a batch still changes the last bits of the logits; the same list gives
the same batches.)
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from offtarget import machine, models
from offtarget.data.pairs import Message
from offtarget.evals.sampling import draw, uniform_streams
from offtarget.progress import Steps
from offtarget.store import Store

BATCH, BATCH_ON_CUDA = 64, 256
"""Rows that are generated together: on a GPU a step takes as long for many as for few."""
FORWARD_TOKENS = 4096
"""Tokens of one forward pass without a cache, padding included."""
HEAD_ROWS = 256
"""Positions whose logits are held at once."""


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
        self._head: tuple[Any, Any] | None = None
        head = model.get_output_embeddings()
        if head is not None:
            head.register_forward_pre_hook(_dense)

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

        device = self.model.device
        n, width = len(rows), max(map(len, rows))
        ids = torch.full((n, width), self.tokenizer.pad_token_id)
        mask = torch.zeros((n, width + sampling.max_tokens), dtype=torch.long)
        for r, row in enumerate(rows):
            ids[r, width - len(row) :] = torch.tensor(row)
            mask[r, width - len(row) :] = 1
        ids, mask = ids.to(device), mask.to(device)
        out: list[list[int]] = [[] for _ in rows]
        alive = list(range(n))
        finished: set[int] = set()
        cache = None
        positions = (mask[:, :width].cumsum(-1) - 1).clamp(min=0)
        with torch.inference_mode():
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
        for batch in _forward_batches(rows):
            for i, values in zip(
                batch, machine.in_halves([rows[i] for i in batch], self._score, "log-probabilities"), strict=True
            ):
                out[i] = values
            done += len(batch)
            if progress:
                progress(done, len(rows))
        return out

    def _score(self, rows: Sequence[tuple[list[int], list[int]]]) -> list[list[float]]:
        """Log-probabilities of each continuation after its prefix; a prefix that many share is read once.

        First the prefixes without their last token fill a cache, padded on the right; then each row reads
        that last token and its continuation without the last one. The head runs in float32.
        """
        import torch
        from torch.nn.functional import cross_entropy, linear

        backbone, weight = self._own_head()
        reader = self.model if weight is None else backbone
        unique = {tuple(prefix): k for k, prefix in enumerate(dict.fromkeys(tuple(p) for p, _ in rows))}
        past = max(map(len, unique)) - 1
        width = max(1, *(len(c) for _, c in rows))
        ids = torch.full((len(rows), width), self.tokenizer.pad_token_id)
        mask = torch.zeros((len(rows), past + width), dtype=torch.long)
        for r, (prefix, continuation) in enumerate(rows):
            text = [prefix[-1], *continuation[:-1]]
            ids[r, : len(text)] = torch.tensor(text)
            mask[r, : len(prefix) - 1] = 1
            mask[r, past:] = 1  # of the row's own padding nothing is read
        first = torch.tensor([len(p) - 1 for p, _ in rows])[:, None]
        where = [(r, k) for r, (_, c) in enumerate(rows) for k in range(len(c))]
        target = torch.tensor([t for _, c in rows for t in c], dtype=torch.long)
        device, values = self.model.device, list[float]()
        with torch.inference_mode():
            cache = None
            if past:
                prefixes = torch.full((len(unique), past), self.tokenizer.pad_token_id)
                for p, k in unique.items():
                    prefixes[k, : len(p) - 1] = torch.tensor(p[:-1])
                cache = backbone(input_ids=prefixes.to(device), use_cache=True).past_key_values
                cache.batch_select_indices(torch.tensor([unique[tuple(p)] for p, _ in rows], device=device))
            read = reader(
                input_ids=ids.to(device),
                attention_mask=mask.to(device),
                position_ids=(first + torch.arange(width)).to(device),
                past_key_values=cache,
                use_cache=cache is not None,
            )
            states = read.logits if weight is None else read.last_hidden_state
            for k in range(0, len(where), HEAD_ROWS):
                at = torch.tensor(where[k : k + HEAD_ROWS], device=device)
                logits = states[at[:, 0], at[:, 1]].float()
                if weight is not None:
                    logits = linear(logits, weight)
                wanted = target[k : k + HEAD_ROWS].to(device)
                values += (-cross_entropy(logits, wanted, reduction="none")).tolist()
        cut = iter(values)
        return [[next(cut) for _ in c] for _, c in rows]

    def _own_head(self) -> tuple[Any, Any]:
        """The backbone and the head's weight in float32; the weight is None if the model does more than that.

        Some architectures scale or cap their logits after the head. Two tokens tell: where hidden states
        times the head are not the model's logits, the model's own forward pass is used.
        """
        import torch

        if self._head is None:
            head, backbone = self.model.get_output_embeddings(), self.model.base_model
            probe = torch.tensor([[self.start_ids[0], 0]], device=self.model.device)
            with torch.inference_mode():
                want = self.model(probe, use_cache=False).logits.float()
                weight = head.weight.float()
                have = backbone(input_ids=probe, use_cache=False).last_hidden_state.float() @ weight.T
            same = getattr(head, "bias", None) is None and torch.allclose(
                have, want, rtol=0.0, atol=0.01 * float(want.abs().max())
            )
            self._head = (backbone, weight if same else None)
        return self._head


def generation_batches(rows: Sequence[Sequence[int]]) -> Iterator[list[int]]:
    """Indices of rows of similar length, batch by batch; the longest first, to fail early if at all."""
    order = sorted(range(len(rows)), key=lambda i: (-len(rows[i]), i))
    size = batch_size()
    for k in range(0, len(order), size):
        yield order[k : k + size]


def batch_size() -> int:
    """How many rows are generated together on this machine."""
    return BATCH if machine.device() == "cpu" else BATCH_ON_CUDA


def _forward_batches(rows: Sequence[tuple[list[int], list[int]]]) -> Iterator[list[int]]:
    """Indices of (prefix, continuation) rows, equal prefixes together, `FORWARD_TOKENS` at a time."""
    order = sorted(range(len(rows)), key=lambda i: (len(rows[i][0]), rows[i][0], len(rows[i][1]), i))
    batch: list[int] = []
    prefixes: set[tuple[int, ...]] = set()
    width = 0
    for i in order:
        prefix, continuation = rows[i]
        seen = prefixes | {tuple(prefix)}
        widest = max(width, len(continuation))
        if batch and max(len(seen) * len(prefix), (len(batch) + 1) * widest) > FORWARD_TOKENS:
            yield batch
            batch, seen, widest = [], {tuple(prefix)}, len(continuation)
        batch.append(i)
        prefixes, width = seen, widest
    if batch:
        yield batch
