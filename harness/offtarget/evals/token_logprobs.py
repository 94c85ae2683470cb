"""Log-probabilities of many continuations of few prefixes, each prefix read once.

A prefix and all its continuations are one sequence: a continuation sees the prefix and itself, and stands where it would
stand alone. No keys or values are copied, and the head runs once for each place that something is predicted from, however
many tokens are asked there. Models in which padding or such a mask means something else read each row by itself.
"""

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

import torch

from offtarget.evals import kv_cache
from offtarget.evals.row_batches import FORWARD_TOKENS, filled

HEAD_ROWS = 256
"""Positions whose logits are held at once."""
PACKED_TOKENS = 8192
"""A longer prefix is read with each continuation by itself: the mask of a sequence has the square of its length."""
Row = tuple[list[int], list[int]]
"""Token ids of a prefix (at least one) and of its continuation."""


class Scorer:
    """Reads rows with one model.

    Args:
        model: a causal language model of transformers, in evaluation mode.
        pad: any token id.
        start: a token that a text can begin with.
    """

    def __init__(self, model: Any, pad: int, start: int) -> None:
        self.model, self.pad, self.start = model, pad, start

    def batches(self, rows: Sequence[Row]) -> Iterator[list[int]]:
        """Indices of rows that are read together: equal prefixes, and sequences of similar length."""
        pieces: dict[Any, list[int]] = {}
        sizes: dict[Any, int] = {}
        for i, (prefix, continuation) in enumerate(rows):
            name: Any = (tuple(prefix), 0) if self.packs and len(prefix) <= PACKED_TOKENS else i
            more = max(len(continuation) - 1, 0)
            while sizes.get(name, 0) + more > FORWARD_TOKENS and name in pieces:  # too many for one sequence
                name = (name[0], name[1] + 1)
            pieces.setdefault(name, []).append(i)
            sizes[name] = sizes.get(name, len(prefix)) + more
        order = sorted(pieces, key=lambda name: (sizes[name], pieces[name][0]))
        for batch in filled(order, [sizes[name] for name in order], FORWARD_TOKENS):
            yield [i for name in batch for i in pieces[name]]

    def __call__(self, rows: Sequence[Row]) -> list[list[float]]:
        """Log-probability of each token of each continuation, in nats."""
        return self.read(rows, self.packs and max((len(p) for p, _ in rows), default=0) <= PACKED_TOKENS)

    @cached_property
    def is_plain(self) -> bool:
        """Whether padding may stand between tokens (`kv_cache.is_plain`)."""
        return kv_cache.is_plain(self.model)

    @cached_property
    def packs(self) -> bool:
        """Whether continuations of one prefix can stand in one sequence: a few tokens are read both ways."""
        if not self.is_plain:
            return False
        size = self.model.get_input_embeddings().weight.shape[0]
        text = [self.start, *((5 * k + 3) % size for k in range(24))]
        rows = [(p, c) for p in (text[:14], text[:11]) for c in (text[14:18], text[18:21], text[21:])]
        one, apart = (
            torch.tensor([x for row in self.read(rows, packed) for x in row], dtype=torch.float64)
            for packed in (True, False)
        )
        noise = 1e-3 if self.model.dtype == torch.float32 else 0.02
        return float((one - apart).abs().mean()) <= noise * float(apart.abs().mean())

    @cached_property
    def head(self) -> tuple[Any, Any]:
        """The backbone and the head's weight in float32; the weight is None if the model does more than that.

        Some architectures scale or cap their logits after the head. Two tokens tell: where hidden states
        times the head are not the model's logits, the model's own forward pass is used.
        """
        head, backbone = self.model.get_output_embeddings(), self.model.base_model
        probe = torch.tensor([[self.start, 0]], device=self.model.device)
        with torch.inference_mode():
            want = self.model(probe, use_cache=False).logits.float()
            weight = head.weight.float()
            have = backbone(input_ids=probe, use_cache=False).last_hidden_state.float() @ weight.T
        same = getattr(head, "bias", None) is None and torch.allclose(
            have, want, rtol=0.0, atol=0.01 * float(want.abs().max())
        )
        return backbone, weight if same else None

    def read(self, rows: Sequence[Row], packed: bool) -> list[list[float]]:
        """See `__call__`; with the rows of one prefix in one sequence, or each in its own."""
        backbone, weight = self.head
        reader = self.model if weight is None else backbone
        groups: dict[Any, list[int]] = {}
        for r, (prefix, _) in enumerate(rows):
            groups.setdefault(tuple(prefix) if packed else r, []).append(r)
        beginning = kv_cache.common_beginning(groups) if packed else []
        past = len(beginning)
        texts = [_Text.of([rows[r] for r in members], past) for members in groups.values()]
        ids, positions, owners = (
            _padded([getattr(t, name) for t in texts], fill)
            for name, fill in (("ids", self.pad), ("positions", 0), ("owners", -1))
        )
        device = self.model.device
        options: dict[str, Any] = {"attention_mask": (owners >= 0).long().to(device)}
        if packed:
            mask = _tree_mask(owners, past, self.model.dtype)
            options = {"attention_mask": mask.to(device), "position_ids": positions.to(device)}
        asked = [  # row, sequence, place, token
            (r, b, at, token)
            for b, (text, members) in enumerate(zip(texts, groups.values(), strict=True))
            for r, places in zip(members, text.places, strict=True)
            for at, token in zip(places, rows[r][1], strict=True)
        ]
        column: Sequence[int] = range(ids.shape[1])
        if weight is None:  # the model makes the logits: of no other places than are asked for
            column = sorted({at for _, _, at, _ in asked} or {0})
            options["logits_to_keep"] = torch.tensor(column, device=device)
        at_column = {at: k for k, at in enumerate(column)}
        with torch.inference_mode():
            cache = kv_cache.read_once(backbone, beginning, len(texts), device)
            out = reader(input_ids=ids.to(device), past_key_values=cache, use_cache=cache is not None, **options)
            states = (out.logits if weight is None else out.last_hidden_state).flatten(0, 1)
            wanted = [(b * len(column) + at_column[at], token) for _, b, at, token in asked]
            found = _tokens_at(states, weight, wanted)
        values: list[list[float]] = [[] for _ in rows]
        for (r, *_), value in zip(asked, found, strict=True):
            values[r].append(value)
        return values


class _Text:
    """One prefix without what all share, then its continuations without their last tokens."""

    def __init__(self) -> None:
        self.ids: list[int] = []
        self.positions: list[int] = []
        self.owners: list[int] = []
        """0: the prefix; k: the k-th continuation."""
        self.places: list[list[int]] = []
        """For each continuation, where each of its tokens is predicted from."""

    @classmethod
    def of(cls, rows: Sequence[Row], past: int) -> "_Text":
        text, (prefix, _) = cls(), rows[0]
        text._add(prefix[past:], past, 0)
        last = len(text.ids) - 1
        for number, (_, continuation) in enumerate(rows, 1):
            first = len(text.ids)
            text._add(continuation[:-1], len(prefix), number)
            text.places.append([last, *range(first, len(text.ids))] if continuation else [])
        return text

    def _add(self, ids: Sequence[int], position: int, owner: int) -> None:
        self.ids += ids
        self.positions += range(position, position + len(ids))
        self.owners += [owner] * len(ids)


def _padded(rows: Sequence[Sequence[int]], fill: int) -> Any:
    out = torch.full((len(rows), max(map(len, rows))), fill)
    for k, row in enumerate(rows):
        out[k, : len(row)] = torch.tensor(row)
    return out


def _tree_mask(owners: Any, past: int, dtype: Any) -> Any:
    """What each token sees: all that is cached, and before it the prefix and its own continuation.

    Args:
        owners: (rows, tokens) as in `_Text`, -1 for padding.
        past: cached tokens.
        dtype: of the model.

    Returns:
        (rows, 1, tokens, past + tokens), 0 where a token is seen, the least number elsewhere.
    """
    n, width = owners.shape
    of, by = owners[:, None, :], owners[:, :, None]
    seen = ((of == 0) | (of == by)) & torch.ones(width, width, dtype=torch.bool).tril()
    seen = torch.cat([torch.ones(n, width, past, dtype=torch.bool), seen], -1)
    return torch.zeros(seen.shape, dtype=dtype).masked_fill_(~seen, torch.finfo(dtype).min)[:, None]


def _tokens_at(states: Any, weight: Any, asked: Sequence[tuple[int, int]]) -> list[float]:
    """Log-probabilities of (place, token); the head runs in float32, once for each place.

    Args:
        states: (places, width), or logits where there is no weight.
        weight: (vocabulary, width), or None.
        asked: places and tokens.
    """
    if not asked:
        return []
    wanted = torch.tensor(asked, device=states.device)
    places, which = wanted[:, 0].unique(return_inverse=True)
    out = torch.empty(len(asked), device=states.device)
    for k in range(0, len(places), HEAD_ROWS):
        logits = states[places[k : k + HEAD_ROWS]].float()
        if weight is not None:
            logits = logits @ weight.T
        here = (which >= k) & (which < k + HEAD_ROWS)
        row = which[here] - k
        out[here] = logits[row, wanted[here, 1]] - logits.logsumexp(-1)[row]
    return list(out.tolist())
