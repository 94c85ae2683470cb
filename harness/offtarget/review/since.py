"""What changed since somebody decided: the gate's own test, so that page and gate say the same of one decision."""

from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from pathlib import Path

from offtarget.audit.folder import AuditFolder
from offtarget.audit.records import CONTEXT_KIND, View
from offtarget.errors import OfftargetError
from offtarget.gate.baseline import read_baseline
from offtarget.gate.changes import beyond_chance, from_sums
from offtarget.gate.config import read_config
from offtarget.gate.judge import Case, changes_since_seen
from offtarget.gate.measure import measure
from offtarget.gate.records import Settings
from offtarget.review.file import Place
from offtarget.verdicts import Verdict


class Since:
    """The decisions of one audit whose effects are other than what was seen.

    The gate judges the views that offtarget.toml names, and corrects for all decisions in these together; the decisions in
    the other views are corrected for together too.

    Args:
        folder: the audit.
        config: offtarget.toml, which says what matters and names a baseline; None: as the gate has it by default.

    Raises:
        ConfigError: the file is broken.
    """

    def __init__(self, folder: AuditFolder, config: Path | None = None) -> None:
        self.folder = folder
        self.settings = read_config(config).gate if config else Settings()
        self._base = config.parent if config else Path()
        self._case = cache(self._measured)

    def changed(self, verdicts: Iterable[Verdict]) -> frozenset[Place]:
        """The places on which an effect changed since it was decided on: beyond chance, and by as much as matters.

        Args:
            verdicts: those of a file.
        """
        audit = self.folder.audit
        decided = {v.place: v for v in verdicts if v.decided and v.seen is not None}
        if all(v.seen is None or v.seen.audit == audit.key for v in decided.values()):
            return frozenset()
        views = {kind: view for view, kind in CONTEXT_KIND.items()}
        kinds = {c.id: c.kind for c in audit.contexts}
        used: set[View] = {views[kinds[v.context]] if v.context else "overall" for v in decided.values()}
        gated = self.settings.views
        rest: tuple[View, ...] = tuple(sorted(used - set(gated)))
        units = {c.id: c.evidence.effect_unit for c in audit.concepts}
        found = set()
        for family in (gated if used & set(gated) else (), rest):
            if not family:
                continue
            changes = changes_since_seen(self._case(family), decided)
            found |= {(p[1], p[2]) for p, c in changes.items() if beyond_chance(c, units[p[1]], self.settings)}
        return frozenset(found)

    def _measured(self, views: tuple[View, ...]) -> Case:
        now = measure(self.folder, views)
        baseline = None
        if self.settings.baseline:
            with suppress(OfftargetError):  # the gate says what is wrong with it
                baseline = read_baseline(self._base / self.settings.baseline)
        if baseline is None or baseline.vocabulary != self.folder.audit.vocabulary:
            return Case(now, self.settings, {})
        return Case(now, self.settings, {}, baseline, from_sums(baseline, now))
