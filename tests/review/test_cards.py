"""What a card says is what the audit holds, and plans follow the decisions."""

import json
import re
import subprocess
import sys

import pytest
import yaml
from tests.conftest import REPO

from offtarget.engine.as_audited import audited_pairs
from offtarget.errors import ConfigError
from offtarget.review.cards import REFERENCE_NULL, REFERENCE_R2
from offtarget.review.desk import Desk
from offtarget.review.export import exported
from offtarget.review.keys import KEYS, config_in, keys_of
from offtarget.review.page import embedded
from offtarget.review.server import Review
from offtarget.store import Store

BOLD = "overall|surface:bold|"


@pytest.fixture()
def review(folder):
    desk = Desk(folder, by="ann")
    yield Review(desk, Store(), KEYS)
    desk.close()


def test_the_list_has_every_finding_those_of_the_whole_set_first(review):
    page = review.listed({}, {})
    assert {i["id"] for i in page["items"]} == {
        f"{h.view}|{h.concept}|{h.context or ''}" for h in review.desk.audit.findings
    }
    views = [i["view"] == "overall" for i in page["items"]]
    assert views == sorted(views, reverse=True) and views[0]
    every = review.listed({"all": "1"}, {})["items"]
    assert len(every) == len(review.desk.audit.hypotheses) > len(views)


def test_an_item_has_the_numbers_of_its_hypothesis(review):
    item = next(i for i in review.listed({}, {})["items"] if i["id"] == BOLD)
    h = review.desk.hypotheses[BOLD]
    assert (item["effect"], item["ci"], item["d_text"]) == (h.effect, list(h.ci), f"{h.d:+.2f}")
    assert item["effect_text"] == f"{100 * h.effect:+.1f} points"
    assert item["claim"].startswith("Bold text: in ") and item["lean"] == "chosen" and item["queue"] == "undecided"


def test_a_card_shows_the_pairs_behind_it_with_the_matched_text_marked(review):
    card = review.card({"id": BOLD}, {})
    pairs, _ = audited_pairs(review.folder)
    assert len(card["pairs"]) == 5 and card["n_pairs"] == len(review.desk.hypotheses[BOLD].rows)
    for shown in card["pairs"]:
        pair = pairs[shown["id"]]
        assert "".join(s["text"] for s in shown["chosen"]) == pair.chosen[-1]["content"]
        assert [s["text"] for s in shown["chosen"] if s["mark"]] and all(
            s["text"].startswith("**") for s in shown["chosen"] if s["mark"]
        )
        assert not any(s["mark"] for s in shown["rejected"])
        assert shown["meta"] == {"vendor": pair.meta["vendor"]}
    rest = review.card({"id": BOLD, "from": "5"}, {})["pairs"]
    assert not {p["id"] for p in rest} & {p["id"] for p in card["pairs"]}


def test_a_card_reads_its_own_part_of_the_rows_alone(review):
    shards = review.cards.shards
    opened = {p.name for p in (shards.path / "concepts").iterdir()}
    assert len(opened) == len(review.desk.audit.concepts)
    row = next(iter(shards.index["rows"]))
    assert shards.pair(row).id == row and shards.pair("no such row") is None


def test_related_concepts_are_those_whose_u_correlates(review):
    import numpy as np

    card = review.card({"id": BOLD}, {})
    workings = review.folder.workings
    for r in card["related"]:
        other = r["id"].split("|")[1]
        expected = np.corrcoef(workings.column("surface:bold"), workings.column(other))[0, 1]
        assert r["r"] == pytest.approx(expected, abs=2e-3) and abs(r["r"]) >= 0.3


def test_without_the_data_a_card_says_why_it_has_no_text(folder):
    data = folder.audit.reading.data
    broken = folder.audit.reading.model_copy(update={"data": f"{data}.gone"})
    (folder.path / "manifest.json").unlink()
    folder.write_audit(folder.audit.with_reading(broken))
    desk = Desk(type(folder)(folder.path))
    review = Review(desk, Store(), KEYS)
    card, page = review.card({"id": BOLD}, {}), exported(review)
    desk.close()
    assert card["pairs"] == [] and "cannot be read again" in card["no_text"]
    assert "the data could not be read" in page and data not in page and str(folder.path) not in page


def test_consequences_are_those_of_the_plan(review, tmp_path):
    none = review.plan({"protocol": "filter"}, {})
    assert none["rows_touched"] == 0 and none["of"] == 320 and "changes nothing" in none["notes"][0]
    review.decide({}, {"ids": [BOLD], "decision": "suppress"})
    found = review.plan({"protocol": "filter", "strength": "0.1"}, {})
    assert found["rows_touched"] == 32, "a tenth of 320 rows"
    assert sum(found["weights"]["counts"]) == 320
    bold = next(s for s in found["shifts"] if s["concept"] == "surface:bold")
    h = review.desk.hypotheses[BOLD]
    assert bold["target"] and bold["before"] == pytest.approx(h.effect, abs=1e-6)
    # rows with bold in chosen alone go, and the rest counts 320/288 as much
    assert bold["after"] == pytest.approx((320 * h.effect - 32) / 288, abs=1e-6)
    review.decide({}, {"ids": [BOLD], "decision": "undecided"})
    assert review.plan({"protocol": "filter"}, {})["rows_touched"] == 0


def test_a_strength_that_cannot_be_is_said_not_raised(review):
    review.decide({}, {"ids": [BOLD], "decision": "suppress"})
    found = review.plan({"protocol": "filter", "strength": "7"}, {})
    assert found["weights"] is None and "filter" in found["notes"][0]
    with pytest.raises(ConfigError, match="give a number"):
        review.plan({"protocol": "filter", "strength": "much"}, {})
    with pytest.raises(ConfigError, match="did you mean filter"):
        review.plan({"protocol": "filtr"}, {})


def test_a_pasted_pair_shows_its_concepts_and_the_findings_it_feeds(review):
    found = review.look({}, {"prompt": "What?", "chosen": "Mind the **heat**.", "rejected": "Mind the heat."})
    bold = next(c for c in found["concepts"] if c["id"] == "surface:bold")
    assert (bold["chosen"], bold["rejected"], bold["hypotheses"]) == ("1", "0", [BOLD])
    other = review.look({}, {"prompt": "What?", "chosen": "Mind the heat.", "rejected": "Mind the **heat**."})
    assert next(c for c in other["concepts"] if c["id"] == "surface:bold")["hypotheses"] == []
    with pytest.raises(ConfigError, match="both answers are the same"):
        review.look({}, {"chosen": "a", "rejected": "a"})


def test_the_validity_that_a_forecast_states_is_what_was_measured():
    text = (REPO / "docs" / "results" / "prediction.md").read_text(encoding="utf-8")
    head, _, *rows = text.partition("<!-- table: prediction -->")[2].partition("<!-- end -->")[0].strip().splitlines()
    column = [cell.strip() for cell in head.split("|")].index("disparity")
    found = [re.match(r"([\d.]+) \(([\d.]+)\)", row.split("|")[column].strip()).groups() for row in rows]
    r2, null = zip(*[(float(a), float(b)) for a, b in found], strict=True)
    assert (min(r2), max(r2)) == REFERENCE_R2 and max(null) == REFERENCE_NULL and len(r2) == 5


def test_the_keys_are_those_of_offtarget_toml(tmp_path):
    assert keys_of(config_in([tmp_path])) == KEYS
    toml = tmp_path / "offtarget.toml"
    toml.write_text('[review.keys]\nallow = "y"\n')
    assert keys_of(config_in([tmp_path / "none", tmp_path]))["allow"] == "y"
    for text, message in (
        ('[review.keys]\nalow = "y"\n', "unknown action 'alow': did you mean allow"),
        ('[review.keys]\nallow = "s"\n', "gives 's' to allow and suppress"),
        ('[review.keys]\nallow = "yes"\n', "give one sign"),
        ("[review\n", "not TOML"),
    ):
        toml.write_text(text)
        with pytest.raises(ConfigError, match=message):
            keys_of(toml)


def test_no_text_ends_the_data_of_an_exported_page(review):
    evil = {"a": "</script><script>alert(1)</script>", "b": "<!--", "c": "\u2028&lt;"}
    text = embedded(evil)
    assert not set("<>&\u2028") & set(text) and json.loads(text) == evil
    page = exported(review)
    assert "onerror" in page and "<img" not in page and page.count("<script") == 2


def test_the_surface_lens_needs_no_torch(folder, made):
    code = (
        "import sys\nfrom offtarget.audit.folder import AuditFolder\nfrom offtarget.review.desk import Desk\n"
        "from offtarget.review.server import Review, app\nfrom offtarget.store import Store\n"
        f"r = Review(Desk(AuditFolder({str(folder.path)!r})), Store(), {{}})\n"
        f"r.decide({{}}, {{'ids': [{BOLD!r}], 'decision': 'suppress'}})\nr.card({{'id': {BOLD!r}}}, {{}})\n"
        "assert r.plan({'protocol': 'reward_shaping'}, {})['rows_touched']\n"
        "r.look({}, {'prompt': 'a', 'chosen': '**b**', 'rejected': 'c'})\n"
        "print([m for m in ('torch', 'transformers', 'datasets') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_what_the_page_saves_is_what_plans_read(review):
    review.decide({}, {"ids": [BOLD], "decision": "amplify", "strength": 2, "why": "ok"})
    assert yaml.safe_load(review.desk.path.read_text())["verdicts"][0]["strength"] == 2.0
