"""What a forecast is asked: the set, the recipe that is meant, and the plan that stands beside plain DPO."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from offtarget.board.folder import slug
from offtarget.elsewhere.folder import AGAIN, Exported, read_export
from offtarget.engine.auditing import set_name
from offtarget.engine.recipe import ProtocolRun, Recipe, read_recipe
from offtarget.engine.run import Run
from offtarget.errors import ConfigError, UndecidedError
from offtarget.registry import check_parameters, default
from offtarget.versions import source_sha256


@dataclass(frozen=True)
class Question:
    """One forecast, before anything is read."""

    recipe: Recipe
    base: Path
    """Folder that the recipe's paths start from."""
    item: ProtocolRun | None = None
    """Whose plan stands beside plain DPO."""
    exported: Exported | None = None
    """The exported plan that `item` is of."""

    @property
    def folder(self) -> Path:
        """Where it is written if nobody says."""
        return Path("forecasts") / slug(self.recipe.name or set_name(self.recipe.data) or self.recipe.data)

    def require_same(self, run: Run) -> None:
        """Refuse a set or a start model that an exported plan is not of.

        Raises:
            UndecidedError: names what differs.
        """
        if self.exported is None:
            return
        of = self.exported
        if run.pairs.rows_sha256 != of.rows_sha256:
            raise UndecidedError(
                f"{run.pairs.name}: its pairs are not those that the plan was made on ({of.dataset}, {of.n_pairs:,} pairs); name "
                f"that set, or {AGAIN}"
            )
        if run.model.identity != of.model_identity:
            raise UndecidedError(
                f"start model '{run.recipe.model}' is not the plan's ({of.model}): say it with --set model={of.model}"
            )


def question(
    dataset: str,
    recipe: str = "prediction_cpu",
    overrides: Sequence[str] = (),
    *,
    part: str | None = None,
    protocol: str | None = None,
    parameters: Mapping[str, Any] | None = None,
    verdicts: Path | None = None,
    plan: Path | None = None,
    behaviours: Sequence[str] | None = None,
) -> Question:
    """What is asked, with every name looked up.

    Args:
        dataset: a registry name, a file, or an hf: id.
        recipe: whose model, lenses, training and way of asking are meant; its data is not.
        overrides: `key=value` over the recipe.
        part: of a recipe in parts.
        protocol: whose plan stands beside plain DPO.
        parameters: of the protocol.
        verdicts: file that the plan carries out, in place of the recipe's verdicts.
        plan: folder of `offtarget plan --export`: its protocol, parameters and verdicts, in place of the three above.
        behaviours: in place of the recipe's.

    Raises:
        ConfigError: an unknown name or parameter, a plan beside what it says itself, or no plan there.
        UndecidedError: the plan, its rows or its protocol were changed since it was exported.
    """
    if plan is not None and (protocol is not None or parameters or verdicts is not None):
        raise ConfigError("--plan says protocol, parameters and verdicts itself; give it or them")
    if protocol is None and parameters:
        raise ConfigError("-P and --strength are of a protocol's plan: name it with --protocol")
    found, path = read_recipe(recipe, ["name=null", "card=null", "columns=null", *overrides], None, part)
    changes: dict[str, Any] = {"data": dataset}
    exported = None
    if plan is not None:
        exported = read_export(plan)
        protocol, parameters = exported.protocol, dict(exported.parameters)
        changes["verdicts"] = exported.verdicts
        if found.limit and not any(o.startswith(("limit=", "head=")) for o in overrides):
            # the plan is of the whole set; as many rows are audited as the recipe reads
            changes |= {
                "limit": None,
                "audit": found.audit.model_copy(update={"limit": found.audit.limit or found.limit}),
            }
    elif verdicts is not None:
        changes["verdicts"] = str(verdicts.resolve())
    if behaviours is not None:
        changes["behaviours"] = tuple(behaviours)
    item = None
    if protocol is not None:
        entry = default().get("protocol", protocol)
        if exported is not None and source_sha256(entry.path.parent, [entry.path]) != exported.protocol_sha256:
            raise UndecidedError(f"{plan}: protocol '{protocol}' was changed since the plan was exported; {AGAIN}")
        check_parameters(entry, dict(parameters or {}))
        item = ProtocolRun(protocol=protocol, parameters=dict(parameters or {}))
    return Question(found.model_copy(update=changes), path.parent, item, exported)
