"""A plan in a program: what a protocol does to each pair, and the dataset that comes of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from offtarget.api.audit import AuditResult
from offtarget.api.own_rows import own_rows
from offtarget.api.pairs import as_pairs
from offtarget.api.wording import speaks_python
from offtarget.chat_template import read_template
from offtarget.data.pairs import Pair, PairSet
from offtarget.data.sources import require_apart
from offtarget.engine.as_audited import MODEL, Asked, as_audited
from offtarget.engine.dry import Planned, dry_plan, ground
from offtarget.errors import ConfigError
from offtarget.lens.reader import Reader
from offtarget.lens.table import check_lenses, split_lenses
from offtarget.progress import Progress
from offtarget.registry import check_parameters, default
from offtarget.shaping.plan import ShapingPlan
from offtarget.shaping.protocol import needs_concept
from offtarget.store import Store, write_atomic
from offtarget.verdicts import Verdicts

if TYPE_CHECKING:
    from datasets import Dataset

    from offtarget.elsewhere.folder import Exported


@dataclass(frozen=True, eq=False, repr=False)
class PlanResult:
    """What a protocol does to each pair of a set; arrays have one entry a pair, those that the plan adds last."""

    plan: ShapingPlan
    """As `ShapedDPOTrainer` takes it."""
    pairs: PairSet
    """The pairs that were planned on."""
    _summary: Mapping[str, Any]
    _made: tuple[Planned, Reader] | None = None
    """How it came about, and the start model; None of a plan that was made in another way."""

    @property
    def weights(self) -> NDArray[np.float64]:
        """(n_pairs,) factor on the gradient of each pair, 1 on average over those that are kept; 0 for those that are not."""
        return np.where(self.plan.keep, self.plan.relative_weight(), 0.0)

    @property
    def offsets(self) -> NDArray[np.float64]:
        """(n_pairs, 2) what is added to the reward of chosen and of rejected inside the loss, in nats."""
        return np.column_stack([self.plan.offset_chosen, self.plan.offset_rejected])

    @property
    def kept(self) -> NDArray[np.bool_]:
        """(n_pairs,) pairs that are trained on."""
        return self.plan.keep.copy()

    @property
    def flipped(self) -> NDArray[np.bool_]:
        """(n_pairs,) pairs whose sides change places."""
        return self.plan.flip & self.plan.keep

    def summary(self) -> dict[str, Any]:
        """Rows touched, the gradient at the start relative to plain DPO, targets, expected shifts, notes and hash."""
        return dict(self._summary)

    def frame(self) -> pd.DataFrame:
        """One row a pair: id, kept, flipped, weight, both offsets, and its gradient at the start relative to plain DPO."""
        p = self.plan
        return pd.DataFrame(
            {
                "id": p.pair_ids,
                "kept": self.kept,
                "flipped": self.flipped,
                "weight": self.weights,
                "offset_chosen": p.offset_chosen,
                "offset_rejected": p.offset_rejected,
                "start_weight": p.start_weights(),
            }
        )

    def apply(self, dataset: "Dataset | None" = None) -> "Dataset":
        """The dataset that a trainer of DPO gets: rows left out, flipped and added, with columns for the rest.

        Args:
            dataset: the one that was planned on; by default the loaded pairs.

        Returns:
            Columns `id`, `prompt`, `chosen`, `rejected` (messages), `weight`, `offset_chosen`, `offset_rejected`. Given a
            `dataset` with columns for chosen and rejected: its own columns with their own values instead. Those two, and
            columns such as score_chosen and score_rejected, are exchanged where a pair is flipped; an added pair is written
            in the same format. Stock DPO ignores weights and offsets: an offset o is the reference shifted by −o/β
            (`docs/how-to/own-trainer.md`).

        Raises:
            ConfigError: it is not the dataset that was planned on, the plan asks for what plain rows cannot hold, or it adds pairs
                to a dataset whose format is only read.
        """
        from datasets import Dataset

        p = self.plan
        beyond = [
            name
            for name, there in (
                ("masks words", p.masked_rows.any()),
                ("weights of single words", p.token_weighted_rows.any()),
                ("prompts of the policy's own", p.prompted_rows.any()),
                ("hooks in the forward pass", bool(p.hooks)),
                ("another loss", bool(p.loss)),
            )
            if there
        ]
        if beyond:
            raise ConfigError(
                f"plan of '{p.protocol}' asks for {', '.join(beyond)}, which plain rows cannot hold: train with ShapedDPOTrainer, or "
                "export the plan as a folder, which has columns for all of these but hooks"
            )
        own = None if dataset is None else own_rows(dataset, self.pairs)
        weights = self.weights
        rows = []
        row = (
            _messages if own is None or own.columns is None else own.writer(added=bool(p.keep[len(self.pairs) :].any()))
        )
        for i, pair in enumerate([*self.pairs.pairs, *p.added]):
            if not p.keep[i]:
                continue
            up, down = float(p.offset_chosen[i]), float(p.offset_rejected[i])
            if p.flip[i]:  # an offset belongs to its answer
                up, down = down, up
            said = {"weight": float(weights[i]), "offset_chosen": up, "offset_rejected": down}
            rows.append({"id": pair.id} | row(i, pair, bool(p.flip[i])) | said)  # the user's own id stays as it is
        if own is None or own.columns is None or not rows:
            return Dataset.from_list(rows)
        return Dataset.from_list(rows, features=own.features({k for r in rows for k in r}))

    def write(self, path: str | PathLike[str]) -> int:
        """Write what `apply` gives for the loaded pairs into a file for another trainer.

        Args:
            path: a .jsonl or .parquet file; it is written whole or not at all.

        Returns:
            Number of pairs written.

        Raises:
            ConfigError: another ending, a file that the pairs are read from, a plan that plain rows cannot hold.
        """
        to = Path(fspath(path))
        check_shaped(to)
        require_apart(to, self.pairs.asked.data if self.pairs.asked else None)
        shaped = self.apply()
        made = BytesIO()
        shaped.to_parquet(made) if to.suffix == ".parquet" else shaped.to_json(made, force_ascii=False)
        write_atomic(to, made.getvalue())
        return len(shaped)

    def export(
        self, folder: str | PathLike[str], *, reference: bool = True, progress: Progress | None = None, **training: Any
    ) -> "Exported":
        """Write a dataset folder for another trainer, with reference log-probabilities that carry the plan's offsets.

        Args:
            folder: a new one, written whole or not at all: rows, README.md (what they are, and what they cannot carry) and
                plan.json. Plain trl trains on it (`docs/how-to/train-elsewhere.md`).
            reference: whether to run the start model over all answers; a plan of rows alone needs that not.
            progress: called with (what, done, total).
            training: what the columns depend on: `beta`, `loss`, `max_length`, `label_smoothing`, `min_answer_tokens`, `bf16`.

        Returns:
            The record in plan.json. `ignored` says what of the plan trl's DPOTrainer would not carry out.

        Raises:
            ConfigError: a plan that no dataset can carry (hooks), or a folder with other content.
            UndecidedError: no pair can be trained on at this length.
        """
        from offtarget.elsewhere.export import export_plan, training_options

        if self._made is None:
            raise ConfigError(
                "only a plan that offtarget.plan() made can be exported: what it was made from belongs to it"
            )
        planned, reader = self._made
        reader = reader if progress is None else replace(reader, progress=progress)
        spec = training_options(training)
        return export_plan(Path(fspath(folder)), planned, self.pairs, reader, spec, reference=reference)

    def __repr__(self) -> str:
        s = self._summary
        return f"<plan of {s['protocol']}: {s['touched']} of {s['pairs']} pairs touched>"


def check_shaped(path: Path) -> None:
    """Whether a shaped dataset can be written there.

    Raises:
        ConfigError: it cannot.
    """
    if path.suffix not in {".jsonl", ".parquet"}:
        raise ConfigError(f"{path}: a shaped dataset is a .jsonl or a .parquet file")
    if path.is_dir():
        raise ConfigError(f"{path} is a folder; name the file that the shaped dataset goes to")


def _messages(_: int, pair: Pair, flip: bool) -> dict[str, Any]:
    """A pair as messages."""
    chosen, rejected = (pair.rejected, pair.chosen) if flip else (pair.chosen, pair.rejected)
    return {"prompt": pair.prompt, "chosen": chosen, "rejected": rejected}


@speaks_python
def plan(
    pairs: Any,
    protocol: str,
    *,
    concept: str | None = None,
    verdicts: str | PathLike[str] | Verdicts | None = None,
    like: str | PathLike[str] | AuditResult | None = None,
    lens: str | Sequence[str] | None = None,
    model: str | None = None,
    max_length: int | None = None,
    template: str | PathLike[str] | None = None,
    seed: int = 0,
    progress: Progress | None = None,
    **parameters: Any,
) -> PlanResult:
    """What a protocol would do to a set, without training.

    Args:
        pairs: from `load_pairs`, anything that it reads, or the result of `audit`, whose lenses and concepts are then used.
        protocol: its name (`offtarget list protocols`).
        concept: what to shape, where there are no verdicts; a positive strength amplifies it, a negative one suppresses it.
        verdicts: what was decided: a verdicts.yaml, or the record of one.
        like: the audit that the verdicts were made on; by default the one beside them.
        lens: what reads the texts; by default as for the audit, else surface.
        model: the start model, where a lens or the protocol reads one.
        max_length: tokens that lenses on activations read.
        template: Jinja file, for models without a chat template.
        seed: random seed of the control protocols.
        progress: called with (what, done, total).
        parameters: of the protocol, such as `strength`.

    Raises:
        ConfigError: unknown names, a plan that does nothing, or options that differ from the audit's.
        UndecidedError: too few rows, or verdicts of another vocabulary.

    Example:
        >>> import offtarget
        >>> pairs = offtarget.load_pairs("planted-style", limit=60)
        >>> p = offtarget.plan(pairs, "reward_shaping", concept="surface:markdown", strength=-2)
        >>> p.weights[:3].tolist(), bool((p.offsets != 0).any())
        ([1.0, 1.0, 1.0], True)
        >>> p.apply().column_names
        ['id', 'prompt', 'chosen', 'rejected', 'weight', 'offset_chosen', 'offset_rejected']
    """
    check_parameters(default().get("protocol", protocol), parameters)
    if (concept is None) == (verdicts is None) and (concept is not None or needs_concept(protocol)):
        raise ConfigError("say what to shape: concept= or verdicts=, one of them")
    of_audit = pairs if isinstance(pairs, AuditResult) else like if isinstance(like, AuditResult) else None
    if of_audit is not None:
        of_audit.folder.require_own()
    given = pairs.pairs if isinstance(pairs, AuditResult) else as_pairs(pairs)
    like_path = of_audit.folder.path if of_audit else None if like is None else Path(fspath(like))  # type: ignore[arg-type]
    path = Path(fspath(verdicts)) if isinstance(verdicts, str | PathLike) else None
    lenses = None if lens is None else tuple(split_lenses(lens) if isinstance(lens, str) else lens)
    if lenses is not None:
        check_lenses(lenses, "lens")
    jinja = None if template is None else fspath(template)
    if jinja is not None:
        read_template(jinja)
    asked = Asked((), lens=lenses, model=model, max_length=max_length, template=jinja)
    answered = as_audited(asked, like=like_path, verdicts=path)
    reading = answered.reading
    reader = Reader(reading.model or MODEL, Store(), reading.max_length, template=reading.template, progress=progress)
    decided = verdicts if isinstance(verdicts, Verdicts) else path
    on = ground(given, reading.lens, reader, concept=concept, verdicts=decided, like=answered.like)
    planned = dry_plan(on, protocol, parameters, seed=seed)
    return PlanResult(planned.plan, given, planned.summary, (planned, reader))
