import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from offtarget.audit.evidence import Correlate
from offtarget.audit.records import Audit, Hypothesis
from offtarget.data.pairs import Pair, PairSet
from offtarget.report.audit_html import audit_page, render_audit
from offtarget.report.cards import spread_over_prompts
from offtarget.report.claims import glance, length_verdict, speakers

ATTACKS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "<a href='javascript:alert(1)'>x</a>",
    "</style><script>alert(1)</script>",
    "</details></article></main><iframe src=//evil.example>",
    "{{ 7 * 7 }}{% raw %}",
    "<meta http-equiv=refresh content='0;url=//evil.example'>",
    "evil\u202egpj.exe",
]


class Page(HTMLParser):
    """What a browser would make of a page: its tags, attributes and text."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attrs, self.text, self.script, self._in = [], [], "", "", ""
        self.rows = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attrs += [(tag, k, v or "") for k, v in attrs]
        self._in = tag

    def handle_endtag(self, tag):
        self._in = ""

    def handle_data(self, data):
        if self._in == "script":
            self.script += data
        elif self._in != "style":
            self.text += data

    def policy(self):
        return next(v for t, k, v in self.attrs if t == "meta" and k == "content" and "default-src" in v)


def _pair(i, text):
    user = [{"role": "user", "content": f"prompt {text}"}]
    return Pair(
        i,
        i,
        user,
        [{"role": "assistant", "content": f"chosen {text}"}],
        [{"role": "assistant", "content": f"rejected {text}"}],
    )


@pytest.mark.parametrize("attack", ATTACKS)
def test_nothing_in_the_data_can_run_or_leave_the_page(make_audit, attack):
    page = Page(audit_page(make_audit(attack), [_pair("r1", attack)]))
    clean = Page(audit_page(make_audit("word"), [_pair("r1", "word")]))
    assert page.tags == clean.tags
    assert page.tags.count("script") == 1
    digest = base64.b64encode(hashlib.sha256(page.script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in page.policy()
    assert "default-src 'none'" in page.policy()
    for _, name, value in page.attrs:
        assert not name.startswith("on")
        assert "javascript:" not in value
        if name in {"src", "href", "action", "xlink:href"}:
            assert value.startswith("#"), f"{name}={value} leaves the page"


def test_an_override_of_the_reading_order_is_shown_and_not_obeyed(make_audit):
    text = audit_page(make_audit("evil\u202egpj.exe"), [_pair("r1", "evil\u202egpj.exe")])
    assert "\u202e" not in text
    assert text.count("evil⟦U+202E⟧gpj.exe") >= 3


def test_lone_surrogates_and_controls_do_not_break_the_file(make_audit, tmp_path):
    path = render_audit(make_audit("word"), [_pair("r1", "a\ud800b\x00c")], tmp_path)
    assert "a⟦U+D800⟧b⟦U+0000⟧c" in path.read_text(encoding="utf-8")


def test_the_glance_speaks_in_numbers(make_audit):
    sentences = glance(make_audit())
    texts = [s.text.replace("\u202f", " ") for s in sentences]
    assert texts == [
        "Chosen is longer in 83.9 % of rows.",
        "Bold text: in 31.2 % of chosen, 18.0 % of rejected responses.",
        "Hedges: 0.500 per 100 words in chosen, 0.800 in rejected; more in rejected in 44.0 % of rows.",
        "3 of 3 tested concepts lean over the whole set (q < 0.05).",
        "1 of 2 tested leans are particular to a topic (q < 0.05).",
    ]
    assert [s.side for s in sentences] == ["up", "up", "down", "plain", "plain"]
    assert sentences[2].more == "not significant at equal length"


def test_glance_without_findings_claims_none(make_audit, hypothesis):
    quiet = make_audit(hypotheses=(hypothesis("surface:bold", p=0.3, q=0.6),))
    assert not any("Bold" in s.text for s in glance(quiet))


def test_length_verdict(hypothesis):
    control = hypothesis("surface:bold").length_controlled
    assert length_verdict(hypothesis("surface:bold")) == ""
    turned = control.model_copy(update={"effect": -0.2})
    assert (
        length_verdict(hypothesis("surface:bold", length_controlled=turned))
        == "at equal length it turns around"
    )
    weak = control.model_copy(update={"q": 0.2})
    assert "not significant" in length_verdict(hypothesis("surface:bold", length_controlled=weak))


def test_predictions_stand_beside_their_null(make_audit):
    text = Page(audit_page(make_audit())).text
    part = text[text.index("Expected shift from training") :]
    assert "swapped at random, prompt by prompt (200 times)" in part
    assert part.count("± 0.050") == 2
    hedges = part[part.index("hedges") :]
    assert "inside its null" in hedges[:60]
    assert "+0.07" in part  # the length-partialled figure beside the raw one


def test_text_is_shown_only_if_it_is_given(make_audit):
    secret = "the private words of a person"
    assert secret not in audit_page(make_audit(), None)
    assert "holds no text of the dataset" in audit_page(make_audit(), None)
    with_text = audit_page(make_audit(), PairSet("x", [_pair("r1", secret), _pair("elsewhere", "not cited")]))
    assert secret in with_text
    assert "not cited" not in with_text


def test_what_a_surface_rule_counts_is_highlighted_in_its_examples(make_audit):
    shown = audit_page(make_audit(), [_pair("r1", "is **strong** and perhaps <b>so</b>")])
    assert "chosen is <mark>**strong**</mark> and perhaps &lt;b&gt;" in shown
    assert "chosen is **strong** and <mark>perhaps</mark> &lt;b&gt;" in shown


def test_examples_come_from_as_many_prompts_as_there_are():
    pairs = [replace(_pair(i, i), group=g) for i, g in (("a", "x"), ("b", "x"), ("c", "y"))]
    assert [p.id for p in spread_over_prompts(pairs)] == ["a", "c", "b"]


def test_long_responses_are_cut(make_audit):
    text = audit_page(make_audit(), [_pair("r1", "x" * 50_000)])
    assert len(text) < 200_000
    assert "50,007 characters" in text


def test_table_lists_the_whole_set_first_then_by_p(make_audit):
    page = audit_page(make_audit())
    table = page[page.index('id="hypotheses"') :]
    rows = re.findall(r'<tr data-view="(\w+)" data-direction="(\w+)" data-finding="(\d)"', table)
    assert [r[0] for r in rows] == ["overall", "overall", "overall", "global", "global"]
    assert rows[-1][2] == "0"


def test_warnings_facts_and_method_are_on_the_page(make_audit):
    text = Page(audit_page(make_audit("a fact"))).text
    for want in (
        "variance explained 0.8312",
        "3 a fact",
        "clustered by prompt",
        "Benjamini-Hochberg",
        "audit kkkk",
    ):
        assert want.lower() in text.lower()


def test_the_same_audit_gives_the_same_bytes(make_audit):
    assert audit_page(make_audit()) == audit_page(make_audit())


def test_a_large_audit_stays_small(make_audit, hypothesis, tmp_path):
    many = [
        hypothesis("surface:bold", context="topic:1", id=f"global:{i}", d=i / 4000, p=i / 1e6, q=i / 1e5)
        for i in range(1, 4000)
    ]
    audit = make_audit(hypotheses=(*make_audit().hypotheses, *many))
    pairs = [_pair(f"r{i}", "words and more words " * 100) for i in range(10_000)]
    path = render_audit(audit, pairs, tmp_path / "report.html")
    assert path.stat().st_size < 5_000_000
    assert "2,504 more are in audit.json" in path.read_text()


def test_an_audit_without_hypotheses_renders(make_audit):
    page = Page(
        audit_page(make_audit(hypotheses=(), prediction=(), contexts=(), families={}, lens=(), model=None))
    )
    assert "No concept could be tested" in page.text


def test_what_goes_by_one_name_is_listed_once_in_a_topic(make_audit, hypothesis):
    """Two concepts of one label lean in a topic; the larger effect speaks for both."""
    audit = make_audit()
    twin = audit.concepts[0].model_copy(update={"id": "sae:twin"})
    leans = (
        hypothesis("surface:bold", context="topic:1", id="a", d=0.50),
        hypothesis("sae:twin", context="topic:1", id="b", d=0.77),
    )
    page = audit_page(audit.model_copy(update={"concepts": (*audit.concepts, twin), "hypotheses": leans}))
    table = page[page.index('id="topics"') : page.index('id="evidence"')]
    assert "d +0.77" in table and "d +0.50" not in table


def test_one_concept_speaks_for_all_that_go_along_with_it(make_audit) -> None:
    audit: Audit = make_audit()
    base, concepts = audit.hypotheses[0], {c.id: c for c in audit.concepts}
    rule = concepts[base.concept]
    rule = rule.model_copy(update={"evidence": rule.evidence.model_copy(update={"correlate": None})})
    concepts[rule.id] = rule

    def follower(name: str, d: float) -> Hypothesis:
        along = Correlate(concept=rule.id, label=rule.label, r=0.6, held_out=0.6, n=100)
        evidence = rule.evidence.model_copy(update={"correlate": along})
        concepts[name] = rule.model_copy(update={"id": name, "evidence": evidence})
        return base.model_copy(update={"id": f"overall:{name}", "concept": name, "d": d})

    alone = base.model_copy(update={"id": "overall:x:9", "concept": "x:9", "d": 0.2})
    concepts["x:9"] = rule.model_copy(update={"id": "x:9"})
    spoken = speakers([follower("x:1", 3.0), base, follower("x:2", 0.1), alone], concepts)
    assert {(h.concept, n) for h, n in spoken} == {(rule.id, 2), ("x:9", 0)}
    against = follower("x:3", -1.5)
    assert {(h.concept, n) for h, n in speakers([base, against], concepts)} == {(rule.id, 0), ("x:3", 0)}
    unsure = base.model_copy(update={"q": 0.9})
    assert ("x:1", 0) in {(h.concept, n) for h, n in speakers([unsure, follower("x:1", 3.0)], concepts)}
    without = speakers([follower("x:2", 0.1), follower("x:1", 3.0)], concepts)
    assert [(h.concept, n) for h, n in without] == [("x:1", 1)]
