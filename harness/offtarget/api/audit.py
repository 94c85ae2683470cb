"""An audit in a program: the same folder that the command writes, and what a notebook shows of it."""

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from os import PathLike, fspath
from pathlib import Path
from typing import Any
from weakref import finalize

import pandas as pd

from offtarget.api.pairs import as_pairs
from offtarget.api.wording import speaks_python
from offtarget.audit.concepts.spaces import SPACES, By
from offtarget.audit.folder import AuditFolder
from offtarget.audit.records import Audit
from offtarget.audit.tracing import ConceptRow, rows_with
from offtarget.chat_template import read_template
from offtarget.data.pairs import PairSet
from offtarget.engine.as_audited import MODEL
from offtarget.engine.auditing import audit_into, set_name
from offtarget.engine.recipe import AuditOptions
from offtarget.errors import ConfigError, unknown_name
from offtarget.lens.reader import MAX_LENGTH, Reader
from offtarget.lens.table import check_lenses, reads_model, split_lenses
from offtarget.progress import Progress
from offtarget.report.audit_html import REPORT_FILE, X_LABEL, effects
from offtarget.report.findings import COLUMNS, fragment, rows
from offtarget.report.plots.effects import forest_figure
from offtarget.report.statements import Stated, state
from offtarget.report.verdicts_template import verdicts_template
from offtarget.store import Store


@dataclass(frozen=True, eq=False, repr=False)
class AuditResult:
    """What an audit found. A notebook shows it as the head of the report with a table of findings."""

    folder: AuditFolder
    """`audit.json`, the rows behind it, `report.html` and the features, as `offtarget audit` writes them."""
    pairs: PairSet
    """The audited rows."""

    @property
    def record(self) -> Audit:
        """All that `audit.json` holds."""
        return self.folder.audit

    @property
    def report(self) -> Path:
        """The page of the report."""
        return self.folder.path / REPORT_FILE

    @cached_property
    def _stated(self) -> Stated:
        return state(self.record, self.folder.workings)

    def findings(self, *, everything: bool = False) -> pd.DataFrame:
        """The findings (q < 0.05), one a row; by view, the smallest p first.

        Args:
            everything: all hypotheses that `audit.json` lists, found or not.

        Returns:
            Columns: `statement` in words; `concept` (its id) and `label`; `view` (overall, global, local, metadata) and
            `context` (None: all rows); `side` that has more; `effect` and its 95 % interval in `unit`; `d`, the effect in
            standard deviations; `p`, `q`; the effect `at_equal_length` and its q; `n` rows and `n_prompts`; `hypothesis`.
        """
        chosen = self.record.hypotheses if everything else self.record.findings
        return pd.DataFrame(rows(self.record, chosen), columns=list(COLUMNS))

    def rows(self, concept: str, side: str | None = None) -> pd.DataFrame:
        """The rows in which one side has more of a concept, the largest difference first.

        Args:
            concept: its id, as in `findings().concept`.
            side: only rows in which this side has more: chosen or rejected.

        Raises:
            ConfigError: no such concept.
        """
        found = [r.model_dump() for r in rows_with(self.folder, concept, side)]
        return pd.DataFrame(found, columns=list(ConceptRow.model_fields))

    def plot(self) -> Any:
        """The effects over the whole set with 95 % intervals: a matplotlib `Figure`.

        Filled: q < 0.05. The upright bar is the effect at equal length.
        """
        import matplotlib.pyplot  # noqa: F401  # a notebook shows figures only once this is imported

        return forest_figure(effects(self.record, self._stated), x_label=X_LABEL)

    def verdicts_template(self, path: str | PathLike[str] | None = None) -> str:
        """A verdicts file to start from: every finding, undecided.

        Args:
            path: also write it there.
        """
        text = verdicts_template(self.record, self._stated)
        if path is not None:
            Path(path).write_text(text, encoding="utf-8")
        return text

    def _repr_html_(self) -> str:
        return fragment(self.record, self._stated)

    def __repr__(self) -> str:
        d = self.record.dataset
        return f"<audit of {d.name}: {d.n_pairs} pairs, {len(self.record.findings)} findings>"


@speaks_python
def audit(
    pairs: Any,
    *,
    lens: str | Sequence[str] = "surface",
    model: str | None = None,
    out: str | PathLike[str] | None = None,
    like: str | PathLike[str] | AuditResult | None = None,
    by: str | Sequence[str] | None = None,
    topics: By | None = None,
    max_length: int | None = None,
    template: str | PathLike[str] | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> AuditResult:
    """Test which concepts separate chosen from rejected.

    Args:
        pairs: from `load_pairs`, or anything that it reads.
        lens: what reads the texts (`offtarget list lenses`): `"surface"`, `"surface,sae"`, ...
        model: whose activations the lenses read; smollm2-135m by default.
        out: folder to write; by default a temporary one that goes with the result.
        like: an earlier audit, whose concepts and topics are used, so that the two can be compared.
        by: columns of metadata whose values are compared.
        topics: what topics are made by: latents (where a lens has them; the default), clusters or words; not with `like`.
        max_length: tokens of prompt and answer that lenses on activations read.
        template: Jinja file, for models without a chat template.
        seed: random seed of clustering and resampling.
        progress: called with (what, done, total).

    Returns:
        The result: `findings()`, `plot()`, `folder`, `verdicts_template()`.

    Raises:
        ConfigError: an unknown lens, model or column, or `topics` with `like`.
        UndecidedError: fewer than 30 pairs or 10 prompts.

    Example:
        >>> import offtarget
        >>> pairs = offtarget.load_pairs("planted-style", limit=60)
        >>> a = offtarget.audit(pairs, lens="surface")
        >>> a.findings(everything=True)[["concept", "side", "q"]].head(1).columns.tolist()
        ['concept', 'side', 'q']
    """
    given = as_pairs(pairs)
    lenses = split_lenses(lens) if isinstance(lens, str) else list(lens)
    check_lenses(lenses, "lens")
    if topics is not None and like is not None:
        raise ConfigError("topics: with like= rows are placed among the topics of that audit; leave it out")
    if topics is not None and topics not in SPACES:
        raise unknown_name("topics", topics, SPACES)
    jinja = None if template is None else fspath(template)
    if jinja is not None:
        read_template(jinja)
    if isinstance(like, AuditResult):
        like.folder.require_own()
    earlier = like.folder.path if isinstance(like, AuditResult) else None if like is None else Path(like)
    before = AuditFolder(earlier).audit.reading if earlier else None
    tokens = max_length or (before.max_length if before else MAX_LENGTH)
    ref = given.asked.data if given.asked else None
    if ref is not None and (called := set_name(ref)) and given.name == Path(str(ref)).name:
        given = replace(given, name=called)
    temporary = tempfile.mkdtemp(prefix="offtarget-audit-") if out is None else None
    folder = Path(temporary) / "audit" if temporary else Path(str(out))
    options = AuditOptions(
        lens=tuple(lenses),
        topics=topics or "latents",
        by=None if by is None else (by,) if isinstance(by, str) else tuple(by),
        like=None if earlier is None else str(earlier),
        seed=seed,
    )
    needed = (model or MODEL) if reads_model(lenses) else None
    done = audit_into(folder, given, options, Reader(needed, Store(), tokens, template=jinja, progress=progress))
    result = AuditResult(done.folder, given)
    if temporary:
        finalize(result, shutil.rmtree, temporary, ignore_errors=True)
    return result
