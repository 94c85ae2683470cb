"""Decisions and limits on the rows of one value of metadata."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from offtarget.audit.folder import AuditFolder
from offtarget.audit.run import audit
from offtarget.data.pairs import Pair, PairSet
from offtarget.errors import ConfigError
from offtarget.gate.baseline import write_baseline
from offtarget.gate.criteria import Criteria
from offtarget.gate.formats import FORMATS
from offtarget.gate.locations import Locations
from offtarget.gate.records import GateConfig, GateReport
from offtarget.gate.run import baseline_now, gate
from offtarget.lens.surface import encode

OFFER = "surface:follow_up_offer"
ACME = "meta:vendor=acme"
SENTENCE = " Let me know if you have any other questions."


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> AuditFolder:
    """240 pairs, half of them acme's; half of acme's chosen answers offer help and no other: 50 points more than elsewhere."""

    def turn(role: str, text: str) -> list[dict[str, str]]:
        return [{"role": role, "content": text}]

    pairs = []
    for i in range(240):
        vendor = "acme" if i % 2 else "bluebird"
        more = SENTENCE if i % 4 == 1 else ""
        answers = (turn("assistant", f"The river runs past stone {i}.{more}"), turn("assistant", f"A cloud over {i}."))
        pairs.append(Pair(str(i), str(i), turn("user", f"Where is {i}?"), *answers, meta={"vendor": vendor}))
    path = tmp_path_factory.mktemp("scopes")
    AuditFolder(path).write(audit(PairSet("drop", pairs), [encode(pairs)], seed=0, by=("vendor",)))
    return AuditFolder(path)


def judged(audited: AuditFolder, path: Path, where: dict[str, str], views: tuple[str, ...]) -> GateReport:
    line = {"concept": OFFER, "decision": "allow", "where": where}
    head = {"schema_version": 1, "vocabulary": audited.audit.vocabulary, "by": "ann", "date": "2026-01-31"}
    path.write_text(yaml.safe_dump({**head, "verdicts": [line]}))
    return gate(audited, Criteria(GateConfig.model_validate({"gate": {"views": views}}), verdicts=path))


def test_a_decision_on_one_value_of_metadata_judges_its_rows(audited: AuditFolder, tmp_path: Path) -> None:
    for where, status in (({"vendor": "acme"}, "allowed"), ({"vendor": "cobalt"}, "undecided")):
        report = judged(audited, tmp_path / "v.yaml", where, ("metadata",))
        o = next(o for o in report.outcomes if (o.concept, o.context) == (OFFER, ACME))
        assert (o.status, o.effect) == (status, pytest.approx(0.5))
        assert any("1 verdicts" in n and "no value of metadata" in n for n in report.notes) == (status == "undecided")


def test_a_decision_in_a_view_that_is_not_gated_is_said_to_judge_nothing(audited: AuditFolder, tmp_path: Path) -> None:
    report = judged(audited, tmp_path / "v.yaml", {"vendor": "acme"}, ("overall",))
    assert any(n.startswith("1 verdicts") and "views that are not gated" in n for n in report.notes)


def test_a_limit_in_a_context_holds_its_rows_to_it(audited: AuditFolder) -> None:
    """Acme's lean is 50 points above that of the others, and 25 over the whole set."""

    def of(most: float, views: tuple[str, ...] = ("overall", "metadata"), **more: Any) -> GateReport:
        rule = {"concept": OFFER, "max_effect": most, "context": ACME} | more
        return gate(audited, Criteria(GateConfig.model_validate({"gate": {"views": views}, "rule": [rule]})))

    (over,) = of(40).outcomes
    assert (over.status, over.context, over.effect) == ("over", ACME, pytest.approx(0.5))
    assert [o.status for o in of(60).outcomes] == ["within"]
    assert [(o.status, o.effect) for o in of(40, context=None).outcomes] == [("within", pytest.approx(0.25))]
    with pytest.raises(
        ConfigError,
        match=r"meta:vendor=acme is not judged; add 'metadata' to views .* --by vendor, .*AUDIT_DIR --update-baseline",
    ):
        of(40, ("overall",))
    with pytest.raises(ConfigError, match=r"unknown context 'meta:vendor=acmee': did you mean meta:vendor=acme"):
        of(40, context="meta:vendor=acmee")


def test_a_decision_to_suppress_everywhere_is_no_failure_where_a_value_has_less(
    audited: AuditFolder, tmp_path: Path
) -> None:
    """Offers lean 25 points to chosen, in acme's rows 50 points above the others and in bluebird's 50 below."""
    (h,) = [h for h in audited.audit.hypotheses if h.concept == OFFER and h.context is None]
    seen = {
        "effect": h.effect, "ci": list(h.ci), "n": h.n_inside, "unit": "share of rows", "audit": audited.audit.key,
        "vocabulary": audited.audit.vocabulary,
    }  # fmt: skip
    head = {"schema_version": 1, "vocabulary": audited.audit.vocabulary, "by": "ann", "date": "2026-01-31"}
    line = {"concept": OFFER, "decision": "suppress", "seen": seen}
    (tmp_path / "v.yaml").write_text(yaml.safe_dump({**head, "verdicts": [line]}))
    views = GateConfig.model_validate({"gate": {"views": ["overall", "metadata"]}})
    path = tmp_path / "b.json"
    criteria = Criteria(views, verdicts=tmp_path / "v.yaml", baseline=path)
    write_baseline(path, baseline_now(audited, criteria), audited)
    found = {o.context: o.status for o in gate(audited, criteria).outcomes if o.concept == OFFER}
    assert found == {None: "suppressed", ACME: "suppressed", "meta:vendor=bluebird": "same"}


def test_views_that_were_not_tested_are_named(audited: AuditFolder, tmp_path: Path) -> None:
    """Nothing was tested by topic in rows of one kind; metadata was, and its findings are counted."""
    report = judged(audited, tmp_path / "v.yaml", {"vendor": "acme"}, ("overall",))
    assert set(report.not_judged) == {"metadata"} and report.not_judged["metadata"] >= 2
    assert "metadata" not in report.not_tested and "global" in report.not_tested
    text = FORMATS["table"](report, Locations(audited, report))
    assert "not judged, and not tested here: in topics" in text and "by metadata (`views` in offtarget.toml)" in text
