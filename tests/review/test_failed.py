"""What failed in the gate comes first on the page, until it is decided on; and what a page does once another has ended."""

import threading
from pathlib import Path

import pytest

from offtarget.audit.folder import AuditFolder
from offtarget.gate.criteria import Criteria
from offtarget.gate.last import LAST, keep, last
from offtarget.gate.records import GateConfig, GateReport
from offtarget.gate.run import gate
from offtarget.review.cards import Cards
from offtarget.review.desk import Desk
from offtarget.review.server import Review
from offtarget.store import Store

BOLD, APOLOGY, OFFER = (f"overall|surface:{x}|" for x in ("bold", "apology", "follow_up_offer"))


def judged(folder: AuditFolder, verdicts: Path | None, *rules: dict[str, object]) -> GateReport:
    report = gate(folder, Criteria(GateConfig.model_validate({"rule": list(rules)}), verdicts=verdicts))
    keep(folder, report, verdicts)
    return report


def decide(folder: AuditFolder, **said: str) -> Path:
    desk = Desk(folder, by="ann")
    for concept, decision in said.items():
        desk.decide([f"overall|surface:{concept}|"], decision)  # type: ignore[arg-type]
    desk.close()
    return folder.path / "verdicts.yaml"


def queues(desk: Desk) -> dict[str, str]:
    return {i: desk.standing(desk.hypotheses[i]).queue for i in (BOLD, APOLOGY, OFFER)}


def test_what_failed_is_its_own_queue_with_the_words_of_the_gate(folder: AuditFolder) -> None:
    """A suppressed concept and one beyond a limit fail; a third, on which nobody decided, stays among the undecided."""
    file = decide(folder, apology="suppress")
    report = judged(folder, file, {"concept": "surface:bold", "max_effect": 5})
    assert {o.status for o in report.of("error")} == {"suppressed", "over", "undecided"}
    desk = Desk(folder, by="ann")
    assert queues(desk) == {BOLD: "failed", APOLOGY: "failed", OFFER: "undecided"}
    items = {i["id"]: i for i in Review(desk, Store(), {}).listed({}, {})["items"]}
    (said,) = items[APOLOGY]["failed"]
    assert said["status"] == "suppressed" and "decided to suppress by ann" in said["text"]
    assert items[BOLD]["failed"][0]["text"].endswith("the limit is 5 points")
    assert items[OFFER]["failed"] == []
    desk.close()


def test_a_decision_made_since_takes_it_out_and_undo_brings_it_back(folder: AuditFolder) -> None:
    file = decide(folder, apology="suppress")
    judged(folder, file, {"concept": "surface:bold", "max_effect": 5})
    desk = Desk(folder, by="bob")
    desk.decide([APOLOGY], "allow")
    desk.decide([BOLD], "suppress")
    assert queues(desk) == {BOLD: "decided", APOLOGY: "decided", OFFER: "undecided"}
    desk.undo()
    desk.undo()
    assert queues(desk) == {BOLD: "failed", APOLOGY: "failed", OFFER: "undecided"}
    desk.close()


@pytest.mark.parametrize("what", ["none", "broken", "another audit"])
def test_what_is_not_of_this_audit_says_nothing(folder: AuditFolder, what: str) -> None:
    file = decide(folder, apology="suppress")
    report = judged(folder, file)
    if what == "none":
        (folder.path / LAST).unlink()
    elif what == "broken":
        (folder.path / LAST).write_text('{"schema_version": 1, "report": {}}')
    else:
        keep(folder, report.model_copy(update={"audit": "0" * 64}), file)
    assert last(folder) is None
    desk = Desk(folder)
    assert queues(desk)[APOLOGY] == "decided"
    desk.close()


def test_a_page_that_only_read_decides_once_the_other_has_ended(folder: AuditFolder) -> None:
    """Also where the pages are answered by other threads than the one that opened them."""
    first, second = Desk(folder, by="ann"), Desk(folder, by="bob")
    pages = [Review(d, Store(), {}) for d in (first, second)]
    found: list[str] = []

    def load(k: int) -> str:
        thread = threading.Thread(target=lambda: found.append(pages[k].listed({}, {})["read_only"]))
        thread.start()
        thread.join()
        return found[-1]

    assert load(0) == "" and "once that one has ended, load it again" in load(1)
    first.close()
    assert load(1) == ""
    assert second.decide([BOLD], "allow")
    second.close()


def test_only_what_can_be_shown_is_in_the_queue(folder: AuditFolder) -> None:
    """What failed and has no hypothesis in this audit has no card, and breaks nothing."""
    file = decide(folder, apology="suppress")
    report = judged(folder, file)
    odd = report.outcomes[0].model_copy(update={"concept": "surface:nothing"})
    keep(folder, report.model_copy(update={"outcomes": (odd, *report.outcomes)}), file)
    desk = Desk(folder)
    cards = Review(desk, Store(), {}).cards
    assert isinstance(cards, Cards) and "failed" in {i["queue"] for i in cards.items()}
    desk.close()
