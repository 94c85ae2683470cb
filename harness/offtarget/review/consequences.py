"""What the decisions so far would do: the answer of `offtarget plan`, at once."""

from dataclasses import dataclass
from typing import Any

from offtarget.audit.folder import AuditFolder
from offtarget.data.loading import load_asked
from offtarget.engine.as_audited import MODEL
from offtarget.engine.dry import Basis, basis, decided_on, dry_plan
from offtarget.errors import ConfigError, OfftargetError, unknown_name
from offtarget.lens.reader import Reader
from offtarget.registry import default
from offtarget.report.amounts import in_unit
from offtarget.report.html import visible
from offtarget.store import Store
from offtarget.verdicts import Verdicts

OFFERED = ("reward_shaping", "reweight", "filter", "label_flip")
"""Protocols that go by what the audit has read, so that their plan is there at once. `offtarget plan` has all."""


@dataclass(frozen=True)
class Offer:
    """One protocol that the page shows the consequences of."""

    name: str
    about: str
    strength: float
    unit: str


def offers() -> tuple[Offer, ...]:
    """The protocols, with the strength that each has if nothing is said."""
    out = []
    for name in OFFERED:
        entry = default().get("protocol", name)
        strength = entry.card.get("parameters", {}).get("strength", 1.0)
        out.append(Offer(name, entry.summary, float(strength), str(entry.card.get("unit", ""))))
    return tuple(out)


class Consequences:
    """Plans of one audit: its rows and features are read once, when a plan is first asked for.

    Args:
        folder: the audit.
        store: for what a lens must read.
    """

    def __init__(self, folder: AuditFolder, store: Store) -> None:
        self.folder, self.store = folder, store
        self._basis: Basis | None = None
        self._kept: tuple[Any, dict[str, Any]] | None = None

    @property
    def basis(self) -> Basis:
        """The audited rows with their features.

        Raises:
            ConfigError: the audit does not say what it read, or the rows are others by now.
        """
        if self._basis is None:
            audit = self.folder.audit
            reading = audit.reading
            if reading is None:
                raise ConfigError("the audit does not say which data it read, so no plan can be made; audit again")
            pairs = load_asked(reading)
            if tuple(p.id for p in pairs.pairs) != self.folder.workings.pair_ids:
                raise ConfigError("the data has other rows by now, so no plan can be made; audit again")
            features = [self.folder.features(lens) for lens in self.folder.lenses]
            reader = Reader(reading.model or MODEL, self.store, reading.max_length, template=reading.template)
            self._basis = basis(pairs, features, self.folder, reading.lens, reader)
        return self._basis

    def of(self, verdicts: Verdicts, protocol: str, strength: float | None = None) -> dict[str, Any]:
        """Rows touched, effective weights and shifts under the decisions, as JSON values.

        Args:
            verdicts: what is decided.
            protocol: one of `OFFERED`.
            strength: of the protocol; its own if not given.

        Raises:
            ConfigError: an unknown protocol, a strength that it cannot have, or rows that cannot be read.
        """
        if protocol not in OFFERED:
            raise unknown_name("protocol", protocol, OFFERED)
        on = self.basis
        acting = Verdicts(
            vocabulary=verdicts.vocabulary, verdicts=tuple(v.acting() for v in verdicts.verdicts if v.decided)
        )
        asked = (acting, protocol, strength)
        if self._kept is None or self._kept[0] != asked:
            self._kept = asked, self._plan(on, acting, protocol, strength)
        return self._kept[1]

    def _plan(self, on: Basis, verdicts: Verdicts, protocol: str, strength: float | None) -> dict[str, Any]:
        audit = self.folder.audit
        n = audit.dataset.n_pairs
        nothing: dict[str, Any] = {"rows_touched": 0, "of": n, "weights": None, "shifts": [], "notes": []}
        if not any(v.sign for v in verdicts.verdicts):
            return {**nothing, "notes": ["Nothing is suppressed or amplified yet, so a plan changes nothing."]}
        try:
            ground = decided_on(on, verdicts)
            params = {} if strength is None else {"strength": strength}
            summary = dry_plan(ground, protocol, params, seed=0).summary
        except OfftargetError as error:
            return {**nothing, "notes": [visible(str(error), 600)]}
        titles = {c.id: c.title for c in audit.concepts}
        return {
            "rows_touched": summary["touched"],
            "of": summary["pairs"],
            "weights": {k: summary["start_weight"][k] for k in ("edges", "counts", "median")},
            "shifts": [
                {
                    "concept": s["concept"],
                    "label": visible(titles.get(s["concept"], s["concept"]), 90),
                    "target": s["target"],
                    "before": s["plain"],
                    "after": s["planned"],
                    "before_text": in_unit(s["plain"], s["unit"]),
                    "after_text": in_unit(s["planned"], s["unit"]),
                }
                for s in summary["predicted_shift"]
            ],
            "notes": [visible(text, 400) for text in summary["notes"]],
        }
