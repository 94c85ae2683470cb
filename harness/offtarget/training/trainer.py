"""trl's DPOTrainer with a plan: offsets, weights, hooks, and the cached lower layers.

Reward shaping is a shift of the reference: −log σ(βΔ + o⁺ − o⁻) is trl's sigmoid loss with
ref± ← ref± − o±/β. Weights scale the gradient of each row's log-probabilities, which is exact for every
loss that is a sum over rows; the loss that is logged stays unweighted. Hooks act in the policy's forward
pass only.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from trl import DPOConfig, DPOTrainer
from trl.trainer.dpo_trainer import DataCollatorForPreference

from offtarget.errors import OfftargetError
from offtarget.shaping.plan import ShapingPlan, Steer
from offtarget.training.head import CachedInput, PassThrough, use_frozen_head
from offtarget.training.reference import Reference

ROW = "row"


def by_side(flip: NDArray[np.bool_], chosen: Any, rejected: Any) -> tuple[NDArray[Any], NDArray[Any]]:
    """What belongs to an answer follows it when the pair is flipped: (trained as chosen, as rejected)."""
    return np.where(flip, rejected, chosen), np.where(flip, chosen, rejected)


@dataclass
class RowCollator(DataCollatorForPreference):
    """trl's collator, and the index of each pair in the plan."""

    def torch_call(self, examples: list[dict[str, Any]]) -> dict[str, Any]:
        """Collate, adding `row` (batch,)."""
        out: dict[str, Any] = super().torch_call(examples)
        out[ROW] = torch.tensor([e[ROW] for e in examples])
        return out


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


class SteerHook:
    """Adds α v to the output of a layer, per row, from the last user turn on."""

    def __init__(self, steer: Steer, flip: NDArray[np.bool_], last_turn: Sequence[int]) -> None:
        self.vector = torch.from_numpy(steer.vector.copy()).float()
        alpha = by_side(flip, steer.alpha_chosen, steer.alpha_rejected)
        self.alpha = torch.from_numpy(np.stack(alpha, 1)).float()
        self.last_turn = torch.tensor(list(last_turn))
        self.rows: Tensor | None = None

    def __call__(self, module: Any, args: Any, output: Any) -> Any:
        if self.rows is None:
            return output
        hidden = output[0] if isinstance(output, tuple) else output
        alpha = torch.cat([self.alpha[self.rows, 0], self.alpha[self.rows, 1]]).to(hidden.device)
        first = torch.cat([self.last_turn[self.rows]] * 2).to(hidden.device)
        on = torch.arange(hidden.shape[1], device=hidden.device)[None] >= first[:, None]
        shift = (alpha[:, None] * on)[..., None] * self.vector.to(hidden.device)
        steered = hidden + shift.to(hidden.dtype)
        return (steered, *output[1:]) if isinstance(output, tuple) else steered


class ShapedDPOTrainer(DPOTrainer):
    """DPOTrainer that carries out a plan.

    Args:
        plan: over the rows of `reference` and of the dataset's `row` column.
        reference: stored log-probabilities; None computes them as trl does (exact mode).
        last_turn: (n_pairs,) where the last user turn starts, for hooks.
        kwargs: as for DPOTrainer; the dataset is tokenised (prompt_ids, chosen_ids, rejected_ids, row).
    """

    def __init__(
        self, plan: ShapingPlan, reference: Reference | None, last_turn: Sequence[int], **kwargs: Any
    ) -> None:
        self.plan = plan
        self.reference = reference
        self.last_turn = last_turn
        self.prefix = reference.prefix if reference else None
        kept = plan.weight[plan.keep]
        self.row_weight = torch.from_numpy(plan.weight / kept.mean()).float()
        self._weighted = bool((kept != kept[0]).any())
        self._offsets = by_side(plan.flip, plan.offset_chosen, plan.offset_rejected)
        self._rows: Tensor | None = None
        self._log_probs: Tensor | None = None
        self.hooks: list[SteerHook] = []
        self._cached = CachedInput()
        super().__init__(**kwargs)
        self._install()

    @property
    def base(self) -> Any:
        """The causal LM under LoRA."""
        model = self.accelerator.unwrap_model(self.model)
        return model.get_base_model() if hasattr(model, "get_base_model") else model

    def _install(self) -> None:
        layers = self.base.model.layers
        for steer in self.plan.steer:
            hook = SteerHook(steer, self.plan.flip, self.last_turn)
            layers[steer.layer].register_forward_hook(hook)
            self.hooks.append(hook)
        if self._weighted:
            self.model.register_forward_hook(self._scale)
        if self.plan.offset.any():
            self.model.register_forward_hook(self._watch)
        if self.reference is not None:
            use_frozen_head(self.base)
        if self.prefix is not None:
            for i in range(self.prefix.layer):
                layers[i] = PassThrough()
            self.base.model.embed_tokens = self._cached

    def _scale(self, module: Any, args: Any, output: Any) -> Any:
        if self._rows is not None and getattr(output, "log_probs", None) is not None:
            factor = self.row_weight[self._rows].to(output.log_probs.device)
            output.log_probs = _ScaleGradient.apply(output.log_probs, torch.cat([factor, factor]))
        return output

    def _watch(self, module: Any, args: Any, output: Any) -> None:
        log_probs = getattr(output, "log_probs", None)
        if log_probs is not None:
            self._log_probs = (log_probs.detach() * output.label_mask).sum(1)

    def _true_rewards(self, inputs: dict[str, Any], rows: Tensor) -> None:
        """Log the implicit reward β·log(π/π_ref) itself: trl took the offset in the reference for a part of it."""
        assert self._log_probs is not None
        sides = {}
        for side, log_probs, offset in zip(
            ("chosen", "rejected"), self._log_probs.chunk(2), self._offsets, strict=True
        ):
            shift = torch.from_numpy(offset[rows.numpy()]).to(log_probs)
            sides[side] = self.beta * (log_probs - inputs[f"ref_{side}_logps"].to(log_probs)) - shift
            self._metrics["train"][f"rewards/{side}"][-1] = sides[side].mean().item()
        margin = sides["chosen"] - sides["rejected"]
        self._metrics["train"]["rewards/margins"][-1] = margin.mean().item()
        self._metrics["train"]["rewards/accuracies"][-1] = (margin > 0).float().mean().item()

    def _prepare_dataset(self, dataset: Any, *args: Any, **kwargs: Any) -> Any:
        return dataset  # tokenised already, and counted

    def _set_signature_columns_if_needed(self) -> None:
        super()._set_signature_columns_if_needed()
        if ROW not in self._signature_columns:
            self._signature_columns.append(ROW)

    def _precompute_ref_logps(self, dataset: Any, name: str, batch_size: int) -> Any:
        rows = dataset[ROW]
        if self.reference is None:
            dataset = super()._precompute_ref_logps(dataset, name, batch_size)
            chosen, rejected = dataset["ref_chosen_logps"], dataset["ref_rejected_logps"]
        else:
            c, r = by_side(self.plan.flip, self.reference.chosen, self.reference.rejected)
            chosen, rejected = [float(c[i]) for i in rows], [float(r[i]) for i in rows]
        dataset = dataset.remove_columns([k for k in dataset.column_names if k.startswith("ref_")])
        up, down = self._offsets
        if up.any() or down.any():
            chosen = [c - up[i] / self.beta for c, i in zip(chosen, rows, strict=True)]
            rejected = [r - down[i] / self.beta for r, i in zip(rejected, rows, strict=True)]
        dataset = dataset.add_column("ref_chosen_logps", chosen)
        return dataset.add_column("ref_rejected_logps", rejected)

    def compute_ref_log_probs(self, model: Any, inputs: dict[str, Any]) -> Any:
        """As trl, without the columns that are ours."""
        return super().compute_ref_log_probs(model, {k: v for k, v in inputs.items() if k != ROW})

    def compute_loss(
        self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """Trl's loss, on this batch's rows: states from the cache, hooks and weights set."""
        inputs = dict(inputs)
        rows = inputs.pop(ROW).cpu()
        self._rows = rows
        for hook in self.hooks:
            hook.rows = rows
        if self.prefix is not None:
            self._cached.states = self._states(rows, inputs["input_ids"])
        loss = super().compute_loss(model, inputs, return_outputs, num_items_in_batch)
        if self._log_probs is not None and self.model.training:
            self._true_rewards(inputs, rows)
        value = loss[0] if return_outputs else loss
        if not torch.isfinite(value).all():
            ids = [self.plan.pair_ids[i] for i in rows.tolist()]
            raise OfftargetError(
                f"the loss is not a number at step {self.state.global_step + 1} (rows {', '.join(ids[:4])} ...): "
                "lower the learning rate or the strength; the last checkpoint is kept"
            )
        return loss

    def _states(self, rows: Tensor, ids: Tensor) -> Tensor:
        assert self.prefix is not None
        index = rows.tolist()
        flipped = [bool(self.plan.flip[i]) for i in index]
        parts = self.prefix.rows(index + index, [int(f) for f in flipped] + [int(not f) for f in flipped])
        out = torch.zeros(*ids.shape, parts[0].shape[1])
        for k, part in enumerate(parts):
            out[k, : len(part)] = part
        return out.to(ids.device)

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """As trl, without the numbers that the frozen head does not compute."""
        if self.reference is not None:
            for key in ("entropy", "logits/chosen", "logits/rejected", "mean_token_accuracy"):
                self._metrics["train"].pop(key, None)
        super().log(logs, start_time)


__all__ = ["DPOConfig", "RowCollator", "ShapedDPOTrainer"]
