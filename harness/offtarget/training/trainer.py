"""trl's DPOTrainer with a plan: offsets, weights of pairs and of tokens, masks, prompts, hooks, and the cached lower layers.

Reward shaping is a shift of the reference: −log σ(βΔ + o⁺ − o⁻) is trl's sigmoid loss with
ref± ← ref± − o±/β, times the answer's tokens where the loss takes the mean over them. Weights scale the gradient of
each row's log-probabilities, which is exact for every loss that is a sum over rows; the loss that is logged stays
unweighted. A masked token is no part of the completion, for the policy and the reference. A token's weight multiplies its
log-probability of either, before trl sums over the answer, so it is exact for every loss; what a loss takes the mean
over stays the number of tokens that count. Prompts of the policy's own and hooks act in its forward pass only.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader
from trl import DPOTrainer
from trl.trainer.dpo_trainer import DataCollatorForPreference

from offtarget.architecture import decoder_layers
from offtarget.errors import ConfigError
from offtarget.shaping.plan import ShapingPlan
from offtarget.training.checkpoints import not_a_number
from offtarget.training.head import CachedInput, start_from, use_frozen_head
from offtarget.training.intervene import Intervention, module_of
from offtarget.training.own_script import own_data
from offtarget.training.reference import Reference, offsets_in_loss, summed
from offtarget.training.sides import Sides

ROW = "row"
PROMPTS = ("policy_chosen_prompt_ids", "policy_rejected_prompt_ids")
COUNTS = ("chosen_counts", "rejected_counts")
WEIGHTS = ("chosen_weights", "rejected_weights")
BATCH_WEIGHTS = "token_weights"
"""Of a batch: (2 batch, seq) what each token weighs."""


def columns_of(sides: Sides, keep: NDArray[np.bool_]) -> list[dict[str, Any]]:
    """The rows that the trainer gets: tokens as trl has them, and what differs from them only where something does."""
    rows: list[dict[str, Any]] = []
    kept = [(i, both) for i, both in enumerate(sides) if keep[i]]
    prompted = any(s.policy_prompt != s.prompt for _, both in kept for s in both)
    masked = any(not s.counts.all() for _, both in kept for s in both)
    weighted = any((s.weights[s.counts] != 1).any() for _, both in kept for s in both)
    for i, (chosen, rejected) in kept:
        row = {"prompt_ids": chosen.prompt, "chosen_ids": chosen.answer, "rejected_ids": rejected.answer, ROW: i}
        if prompted:
            row |= {key: s.policy_prompt for key, s in zip(PROMPTS, (chosen, rejected), strict=True)}
        if masked:
            row |= {key: s.counts.tolist() for key, s in zip(COUNTS, (chosen, rejected), strict=True)}
        if weighted:
            row |= {key: s.weights.tolist() for key, s in zip(WEIGHTS, (chosen, rejected), strict=True)}
        rows.append(row)
    return rows


@dataclass
class RowCollator(DataCollatorForPreference):
    """trl's collator, with the index of each pair in the plan, the policy's own prompts, masked and weighted tokens."""

    policy: bool = True
    """False while the reference is computed: it reads the pairs' own prompts."""

    def torch_call(self, examples: list[dict[str, Any]]) -> dict[str, Any]:
        """Collate, adding `row` (batch,) and `token_weights` where there are some; rows of an eval dataset have none."""
        if ROW not in examples[0]:
            plain: dict[str, Any] = super().torch_call(examples)
            return plain
        prompted, masked = PROMPTS[0] in examples[0] and self.policy, COUNTS[0] in examples[0]
        up, down = PROMPTS if prompted else ("prompt_ids", "prompt_ids")
        if prompted or masked:
            # trl knows one prompt for both sides: each goes in front of its answer, and out of what counts
            whole = [
                {
                    **e,
                    "prompt_ids": [],
                    "chosen_ids": e[up] + e["chosen_ids"],
                    "rejected_ids": e[down] + e["rejected_ids"],
                }
                for e in examples
            ]
            out: dict[str, Any] = super().torch_call(whole)
            both = out["completion_mask"].chunk(2)
            for masks, prompt, counts in zip(both, (up, down), COUNTS, strict=True):
                for mask, e in zip(masks, examples, strict=True):
                    start = len(e[prompt])
                    mask[:start] = 0
                    if masked:
                        mask[start : start + len(e[counts])] *= torch.tensor(e[counts], dtype=mask.dtype)
        else:
            out = super().torch_call(examples)
        if WEIGHTS[0] in examples[0]:
            out[BATCH_WEIGHTS] = torch.ones(out["input_ids"].shape)
            for side, prompt, weights in zip(out[BATCH_WEIGHTS].chunk(2), (up, down), WEIGHTS, strict=True):
                for row, e in zip(side, examples, strict=True):
                    start = len(e[prompt])
                    row[start : start + len(e[weights])] = torch.tensor(e[weights])
        out[ROW] = torch.tensor([e[ROW] for e in examples])
        return out


def weigh(output: Any, weights: Tensor) -> None:
    """Multiply log-probabilities (rows, seq − 1) of a forward pass by what the tokens weigh (rows, seq).

    WPO reads of the tokens' own log-probabilities how probable the policy finds an answer; it gets them as they were.
    """
    plain = output.log_probs
    n = plain.shape[1] - weights.shape[1] + 1  # tokens that a prompt-learning adapter puts before the text
    w = torch.nn.functional.pad(weights[:, 1:], (n, 0), value=1.0).to(plain)
    output.log_probs = plain * w
    if getattr(output, "log_sum_sq_probs", None) is not None:
        output.log_sum_sq_probs = output.log_sum_sq_probs + (output.log_probs - plain).detach()


class _ScaleGradient(torch.autograd.Function):
    """The identity, whose gradient is multiplied row by row."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, factor: Tensor) -> Tensor:
        ctx.save_for_backward(factor)
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        (factor,) = ctx.saved_tensors
        return grad * factor[:, None], None


class ShapedDPOTrainer(DPOTrainer):
    """DPOTrainer that carries out a plan: in one's own script it takes the place of trl's.

    Without `sides` the arguments are those of trl's DPOTrainer, with the plan beside them. The train dataset is the
    conversational one that was planned on, or the loaded pairs; an identity plan then trains to the last bit as trl does
    with `precompute_ref_log_probs=True`. An eval dataset is read as by trl, and no plan touches it.

    Args:
        plan: over the pairs of the dataset; of `sides`, `reference` and the dataset's `row` column where those are given.
        reference: stored log-probabilities; None computes them as trl does (exact mode).
        sides: each row's answers in tokens; None: they are made from the dataset.
        frozen_head: compute log-probabilities without a gradient of the head and of masked positions.
        kwargs: as for DPOTrainer: `model`, `args` (a DPOConfig), `train_dataset`, `processing_class`, `peft_config`,
            `ref_model` (None: the start model), ...

    Raises:
        ConfigError: the plan is not of these rows, or the options cannot carry it out.

    Example:
        >>> import offtarget
        >>> pairs = offtarget.load_pairs("planted-style", limit=60)
        >>> plan = offtarget.plan(pairs, "filter", concept="surface:markdown", strength=-0.2).plan
        >>> offtarget.ShapedDPOTrainer(plan, train_dataset=pairs)
        Traceback (most recent call last):
        ...
        offtarget.errors.ConfigError: ShapedDPOTrainer needs args (a DPOConfig), train_dataset and processing_class
    """

    def __init__(
        self,
        plan: ShapingPlan,
        reference: Reference | None = None,
        sides: Sides | None = None,
        frozen_head: bool = False,
        **kwargs: Any,
    ) -> None:
        if sides is None:
            missing = [k for k in ("args", "train_dataset", "processing_class") if kwargs.get(k) is None]
            if missing:
                raise ConfigError("ShapedDPOTrainer needs args (a DPOConfig), train_dataset and processing_class")
            own = own_data(plan, kwargs["train_dataset"], kwargs["processing_class"], kwargs["args"])
            plan, sides = own.plan, own.sides
            kwargs |= {
                "args": own.args,
                "train_dataset": Dataset.from_list(columns_of(sides, plan.keep)),
                "data_collator": RowCollator(
                    pad_token_id=kwargs["processing_class"].pad_token_id,
                    max_length=own.args.max_length,
                    pad_to_multiple_of=own.args.pad_to_multiple_of,
                ),
            }
        if reference is not None and kwargs.get("ref_model") is not None:
            raise ConfigError("reference holds what a reference model says, and ref_model is another: give one of them")
        self.plan = plan
        self.reference = reference
        self.sides = sides
        self.frozen_head = frozen_head
        self.from_layer = reference.layer if reference else None
        weight = plan.relative_weight()
        self.row_weight = torch.from_numpy(weight).float()
        self._weighted = bool((weight[plan.keep] != 1.0).any())
        self._offsets = offsets_in_loss(plan, sides, kwargs["args"].loss_type)
        self._rows: Tensor | None = None
        self._token_weights: Tensor | None = None
        self._log_probs: Tensor | None = None
        self.interventions: list[Intervention] = []
        self._cached = CachedInput()
        super().__init__(**kwargs)
        self._install()

    @property
    def base(self) -> Any:
        """The causal LM under LoRA."""
        model = self.accelerator.unwrap_model(self.model)
        return model.get_base_model() if hasattr(model, "get_base_model") else model

    def _install(self) -> None:
        layers = decoder_layers(self.base) if self.plan.hooks else []
        for hook in self.plan.hooks:
            intervention = Intervention(hook, self.sides, self.plan.flip)
            module_of(layers[hook.layer], hook.module).register_forward_hook(intervention)
            self.interventions.append(intervention)
        if self.plan.token_weighted_rows.any():
            self.model.register_forward_hook(self._weigh)
        if self._weighted:
            self.model.register_forward_hook(self._scale)
        if self.plan.offset.any():
            self.model.register_forward_hook(self._watch)
        if self.frozen_head:
            use_frozen_head(self.base, weighting=self.use_weighting, cached=self._cached, grouped=not self.plan.hooks)
        if self.from_layer:
            start_from(self.base, self.from_layer, self._cached)

    def _weigh(self, module: Any, args: Any, output: Any) -> Any:
        if self._token_weights is not None and getattr(output, "log_probs", None) is not None:
            weigh(output, self._token_weights)
        return output

    def _scale(self, module: Any, args: Any, output: Any) -> Any:
        if self._rows is not None and getattr(output, "log_probs", None) is not None:
            factor = self.row_weight[self._rows].to(output.log_probs.device)
            output.log_probs = _ScaleGradient.apply(output.log_probs, torch.cat([factor, factor]))
        return output

    def _watch(self, module: Any, args: Any, output: Any) -> None:
        log_probs = getattr(output, "log_probs", None)
        if log_probs is not None:
            counted = log_probs.detach() * output.label_mask
            if self.ld_alpha is not None:  # as in trl's loss: what one answer is longer by counts less
                shared = torch.minimum(*output.label_mask.sum(1).chunk(2)).repeat(2)
                longer = output.label_mask.cumsum(1) > shared[:, None]
                counted = torch.where(longer, self.ld_alpha * counted, counted)
            self._log_probs = counted.sum(1)

    def _true_rewards(self, inputs: dict[str, Any], rows: Tensor) -> None:
        """Log the implicit reward β·log(π/π_ref) itself: trl took the offset in the reference for a part of it."""
        assert self._log_probs is not None
        sides = {}
        for side, log_probs, offset in zip(
            ("chosen", "rejected"), self._log_probs.chunk(2), self._offsets, strict=True
        ):
            shift = torch.from_numpy(offset[rows.numpy()]).to(log_probs)
            reward = self.beta * (log_probs - inputs[f"ref_{side}_logps"].to(log_probs)) - shift
            sides[side] = self.accelerator.gather(reward)
            self._metrics["train"][f"rewards/{side}"][-1] = sides[side].mean().item()
        margin = sides["chosen"] - sides["rejected"]
        self._metrics["train"]["rewards/margins"][-1] = margin.mean().item()
        self._metrics["train"]["rewards/accuracies"][-1] = (margin > 0).float().mean().item()

    def _prepare_dataset(self, dataset: Any, *args: Any, **kwargs: Any) -> Any:
        if ROW in (dataset.column_names or ()):
            return dataset  # tokenised already, and counted
        return super()._prepare_dataset(dataset, *args, **kwargs)

    def _set_signature_columns_if_needed(self) -> None:
        super()._set_signature_columns_if_needed()
        self._signature_columns += [k for k in (ROW, *PROMPTS, *COUNTS, *WEIGHTS) if k not in self._signature_columns]

    def _precompute_ref_logps(self, dataset: Any, name: str, batch_size: int) -> Any:
        if ROW not in dataset.column_names:
            return super()._precompute_ref_logps(dataset, name, batch_size)
        rows = dataset[ROW]
        if self.reference is None:
            chosen, rejected = self._reference_pass(dataset, batch_size)
        else:
            both = [summed(self.reference, i, self.sides[i], self.ld_alpha) for i in rows]
            chosen, rejected = [c for c, _ in both], [r for _, r in both]
        dataset = dataset.remove_columns([k for k in dataset.column_names if k.startswith("ref_")])
        up, down = self._offsets
        if up.any() or down.any():
            chosen = [c - up[i] / self.beta for c, i in zip(chosen, rows, strict=True)]
            rejected = [r - down[i] / self.beta for r, i in zip(rejected, rows, strict=True)]
        dataset = dataset.add_column("ref_chosen_logps", chosen)
        return dataset.add_column("ref_rejected_logps", rejected)

    def _reference_pass(self, dataset: Any, batch_size: int) -> tuple[list[float], list[float]]:
        """What trl's own pass gives, batch by batch as there, without its cache file.

        That file is named by the dataset, not by what the collator makes of it, and for a dataset in memory it is in
        a folder that other processes do not know.
        """
        model = self.model if self.ref_model is None else self.ref_model
        loader = DataLoader(dataset, batch_size=batch_size, collate_fn=self.data_collator, shuffle=False)
        both: list[Tensor] = []
        self.data_collator.policy = False
        try:
            for batch in self.accelerator.prepare(loader):
                pair = self.compute_ref_log_probs(model, batch)
                both.append(torch.stack(self.accelerator.gather_for_metrics(pair)).cpu())
        finally:
            self.data_collator.policy = True
        chosen, rejected = torch.cat(both, dim=1).tolist()
        return chosen, rejected

    def compute_ref_log_probs(self, model: Any, inputs: dict[str, Any]) -> Any:
        """As trl, with the weights of tokens, and without the columns that are ours."""
        self._end()
        plain = {k: v for k, v in inputs.items() if k not in (ROW, BATCH_WEIGHTS)}
        if BATCH_WEIGHTS not in inputs:
            return super().compute_ref_log_probs(model, plain)
        handle = model.register_forward_hook(lambda module, args, output: weigh(output, inputs[BATCH_WEIGHTS]))
        try:
            return super().compute_ref_log_probs(model, plain)
        finally:
            handle.remove()

    def compute_loss(
        self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """Trl's loss, on this batch's rows: states from the cache, hooks and weights set."""
        inputs = dict(inputs)
        if ROW not in inputs:  # of an eval dataset
            self._end()
            return super().compute_loss(model, inputs, return_outputs, num_items_in_batch)
        rows = self._begin(inputs)
        loss = super().compute_loss(model, inputs, return_outputs, num_items_in_batch)
        if self._log_probs is not None and self.model.training:
            self._true_rewards(inputs, rows)
        value = loss[0] if return_outputs else loss
        if not torch.isfinite(value).all():
            done = self.state.global_step
            raise not_a_number(self, "the loss", step=done + 1, bad_from=done)
        return loss

    def row_ids(self) -> list[str]:
        """Ids of the pairs of the current batch."""
        return [] if self._rows is None else [self.plan.pair_ids[i] for i in self._rows.tolist()]

    def require_usable(self) -> None:
        """Refuse weights that are finite and yet so large that the policy gives no probabilities.

        Raises:
            OfftargetError: the policy's log-probabilities of a few rows are not all numbers.
        """
        if len(self.train_dataset) == 0:
            return
        few = [self.train_dataset[i] for i in range(min(2, len(self.train_dataset)))]
        with torch.no_grad():
            found = self.policy_log_probs(self.data_collator(few), hooks=False)
        if not torch.isfinite(found).all():
            done = self.state.global_step
            raise not_a_number(self, "what the trained policy says", step=done, bad_from=done)

    def _end(self) -> None:
        """What comes is no row of the plan: no weights and no hooks."""
        self._rows = self._log_probs = self._token_weights = None
        for intervention in self.interventions:
            intervention.rows = None

    def _begin(self, inputs: dict[str, Any], hooks: bool = True) -> Tensor:
        """Set weights, hooks and cached states for a batch; takes what trl does not know out, and gives its rows."""
        rows: Tensor = inputs.pop(ROW).cpu()
        self._rows = rows
        self._token_weights = inputs.pop(BATCH_WEIGHTS, None)
        for intervention in self.interventions:
            # stays until the next batch: with gradient checkpointing the layers run again in the backward pass
            intervention.rows = rows if hooks else None
        if self.from_layer:
            self._cached.states = self._states(rows, inputs["input_ids"])
        return rows

    def policy_log_probs(self, inputs: dict[str, Any], hooks: bool) -> Tensor:
        """(2 batch, seq − 1) the policy's log-probabilities of a collated batch, with the plan's hooks or without."""
        inputs = {k: v.to(self.accelerator.device) for k, v in inputs.items()}
        self._begin(inputs, hooks)
        labels = inputs["input_ids"].masked_fill(inputs["completion_mask"] == 0, -100)
        with self.accelerator.autocast():
            out = self.model(
                input_ids=inputs["input_ids"], attention_mask=inputs["attention_mask"], use_cache=False,
                labels=labels, fused_lm_head=True,
            )  # fmt: skip
        found: Tensor = out.log_probs
        return found

    def _states(self, rows: Tensor, ids: Tensor) -> Tensor:
        assert self.reference is not None
        index = rows.tolist()
        parts = [self.reference.inputs(i, self.sides[i][k].source) for k in (0, 1) for i in index]
        out = torch.zeros(*ids.shape, parts[0].shape[1])
        for k, part in enumerate(parts):
            n = min(len(part), ids.shape[1])
            out[k, :n] = part[:n]
        return out.to(ids.device)

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """As trl, without the numbers that the frozen head does not compute."""
        if self.frozen_head:
            for key in ("entropy", "logits/chosen", "logits/rejected", "mean_token_accuracy"):
                self._metrics["train"].pop(key, None)
        super().log(logs, start_time)
