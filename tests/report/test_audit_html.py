import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from offtarget.audit.evidence import Concept, Correlate
from offtarget.audit.records import Partialled
from offtarget.data.pairs import Pair, PairSet
from offtarget.lens.surface.quality import measured
from offtarget.report.audit_html import audit_page, render_audit
from offtarget.report.cards import evidence_cards, spread_over_prompts
from offtarget.report.claims import counts, glance, length_verdict
from offtarget.report.marks import Marks
from offtarget.report.statements import state

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
        "Length: chosen is longer in 83.9 % of rows, shorter in 15.8 %, equal in 0.3 %; "
        "median 1,097 characters against 412 (2.7 times).",
        "Hedges: 0.50 per 100 words in chosen, 0.80 in rejected; "
        "more in rejected in 44.0 % of rows, in chosen in 20.0 %, the same in 36.0 %.",
        "Bold text: in 31.2 % of chosen, 18.0 % of rejected responses.",
    ]
    assert [s.side for s in sentences] == ["up", "down", "up"]
    assert [s.sizes for s in sentences] == ["d +0.74", "d −0.30", "d +0.40, at equal length +0.21"]
    assert [text for text, _ in counts(make_audit())] == [
        "3 of 3 tested concepts lean over the whole set (q < 0.05)",
        "1 of 2 tested leans are particular to a topic (q < 0.05)",
    ]


def test_what_length_explains_stands_under_length(make_audit):
    """A tenth of the hedges' effect is left at equal length, and it is not significant there."""
    base = make_audit()
    left = Partialled(expected_shift=-0.03, ci=(-0.1, 0.04))
    shifts = [p.model_copy(update={"length_partialled": left}) if "hedges" in p.concept else p for p in base.prediction]
    sentences = glance(make_audit(prediction=tuple(shifts)))
    assert len(sentences) == 2
    assert sentences[0].along == "Not significant at equal length: hedges."


@pytest.mark.parametrize(
    ("finding", "longer", "shorter", "side"),
    [(True, 0.84, 0.16, "up"), (False, 0.438, 0.562, "plain"), (True, 0.45, 0.52, "plain")],
)
def test_length_wears_an_arrow_only_where_it_is_a_finding_that_counts_agree_with(
    make_audit, finding, longer, shorter, side
):
    base = make_audit()
    hypotheses = [
        h if finding or "characters" not in h.concept else h.model_copy(update={"p": 0.2, "q": 0.4})
        for h in base.hypotheses
    ]
    counted = base.dataset.model_copy(update={"chosen_longer": longer, "chosen_shorter": shorter})
    sentences = glance(make_audit(hypotheses=tuple(hypotheses), dataset=counted))
    (length,) = (s for s in sentences if s.text.startswith("Length"))
    assert length.side == side
    assert f"{100 * longer:.1f}" in length.text and f"{100 * shorter:.1f}" in length.text
    assert ("no lean in length was found" in length.text) is not finding
    assert ("more often shorter, but longer on average" in length.text) is (finding and longer < shorter)


def test_glance_without_findings_claims_none(make_audit, hypothesis):
    quiet = make_audit(hypotheses=(hypothesis("surface:bold", p=0.3, q=0.6),))
    assert [s.side for s in glance(quiet)] == ["plain"]


def test_no_size_is_shown_as_a_hundred_and_no_q_as_nothing(make_audit, hypothesis):
    """Every row of chosen has it: u has no spread, d is capped at 100 and q can be below what a float can say."""
    sure = hypothesis("surface:bold", d=100.0, q=0.0, p=0.0, effect=1.0, ci=(1.0, 1.0))
    text = Page(audit_page(make_audit(hypotheses=(sure,)))).text
    assert "> +100" in text and "+100.00" not in text
    assert "< 1e−300" in text and "0e+00" not in text


def test_length_verdict(hypothesis):
    control = hypothesis("surface:bold").length_controlled
    assert length_verdict(hypothesis("surface:bold")) == ""
    turned = control.model_copy(update={"effect": -0.2})
    assert length_verdict(hypothesis("surface:bold", length_controlled=turned)) == "at equal length it turns round"
    weak = control.model_copy(update={"q": 0.2})
    assert "not significant" in length_verdict(hypothesis("surface:bold", length_controlled=weak))


def test_predictions_stand_beside_their_null(make_audit):
    text = Page(audit_page(make_audit())).text
    part = text[text.index("Expected shift from training") :]
    assert "swapped at random, prompt by prompt (200 times)" in part
    assert "± 5.0 points" in part and "± 0.0500 per 100 words" in part
    hedges = part[part.index("hedges") :]
    assert "inside its null" in hedges[:60]
    assert "+13.2 points" in part and "+7.0 points" in part  # raw, and at equal length


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


def test_a_card_says_how_well_its_phrase_rule_finds_what_it_counts(make_audit):
    hedges = measured()["hedges"]
    said = f"rule finds {hedges.recall:.0%} of labelled cases, {hedges.precision:.0%} of what it finds is right"
    page = audit_page(make_audit(), None)
    (card,) = [c for c in page.split("<article")[1:] if '<span class="id">surface:hedges</span>' in c]
    assert f'<span class="tag">{said}</span>' in card
    assert not any("of labelled cases" in c for c in page.split("<article")[1:] if c != card)


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
    for want in ("variance explained 0.8312", "3 a fact", "clustered by prompt", "Benjamini-Hochberg", "audit kkkk"):
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
    page = Page(audit_page(make_audit(hypotheses=(), prediction=(), contexts=(), families={}, lens=(), model=None)))
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


@pytest.mark.parametrize(
    ("empty", "told"), [(0, ""), (1, "1 more topic holds no row"), (3, "3 more topics hold no row")]
)
def test_topics_without_a_row_are_counted_and_not_listed(make_audit, empty, told):
    """A vocabulary of an earlier audit has topics that another set never touches."""
    audit = make_audit()
    topic = next(c for c in audit.contexts if c.kind == "topic")
    more = [
        topic.model_copy(update={"id": f"topic:e{i}", "label": f"nothing {i}", "n": 0, "n_groups": 0})
        for i in range(empty)
    ]
    page = audit_page(audit.model_copy(update={"contexts": (*audit.contexts, *more)}))
    section = page[page.index('id="topics"') : page.index('id="evidence"')]
    assert topic.label in section and "nothing" not in section
    assert told in section and ("no row of this set" in section) == bool(empty)


def test_latents_named_after_a_rule_leave_it_to_the_rule_and_the_unnamed_come_last(make_audit, hypothesis):
    """The rule's own rates are given; latents are counted. What has no name is one line, however much it leans."""
    audit = make_audit()
    bold = audit.concepts[0].model_copy(
        update={"evidence": audit.concepts[0].evidence.model_copy(update={"correlate": None})}
    )

    def latents(name, r=None, **rates):
        along = None if r is None else Correlate(concept="surface:bold", label="bold text", r=r, held_out=r, n=100)
        evidence = bold.evidence.model_copy(update={"correlate": along, "contrast": "cluster", **rates})
        label = "unnamed: fires on “x”" if r is None else f"goes with bold text (r {r:+.2f})"
        return Concept(
            id=name, label=label, name="none" if r is None else "rule", kind="cluster", lens="sae",
            members=("sae:1", "sae:2"), evidence=evidence,
        )  # fmt: skip

    made = [
        latents("sae:with", 0.8, chosen_rate=0.12, rejected_rate=0.875),
        latents("sae:against", -0.7),
        latents("sae:otherwise", 0.8),
        latents("sae:strong"),
        latents("sae:weak"),
    ]
    hs = [
        hypothesis("sae:strong", d=3.0),
        hypothesis("sae:with", d=2.0),
        hypothesis("sae:against", d=-1.5, effect=-0.1, direction="rejected"),
        hypothesis("sae:otherwise", d=-1.0, effect=-0.1, direction="rejected"),
        hypothesis("sae:weak", d=0.1),
    ]
    audit = audit.model_copy(update={"concepts": (bold, *audit.concepts[1:], *made)})
    audit = audit.model_copy(update={"hypotheses": (*hs, *audit.hypotheses[:1])})
    stated = state(audit)
    assert [(s.lead.concept, s.unnamed) for s in stated.statements] == [("surface:bold", 2)]
    assert [h.concept for h in stated.unnamed] == ["sae:strong", "sae:otherwise", "sae:weak"]
    said = [s.text.replace("\u202f", " ") for s in glance(audit, stated)]
    assert said[0] == "Bold text: in 31.2 % of chosen, 18.0 % of rejected responses."
    assert not any("12.0" in text or "87.5" in text for text in said)
    assert said[-1] == (
        "2 concepts lean without a name, as strongly as the statements above: see the evidence; 1 more leans less."
    )
    forest = audit_page(audit)
    assert forest.index("Bold text") < forest.index("unnamed: fires on")


def test_contexts_get_a_card_only_for_what_length_does_not_explain(make_audit, hypothesis):
    control = hypothesis("surface:bold").length_controlled
    gone = hypothesis(
        "surface:hedges", context="topic:1", id="gone", length_controlled=control.model_copy(update={"q": 0.4})
    )
    stays = hypothesis("surface:bold", context="topic:1", id="stays")
    audit = make_audit(hypotheses=(gone, stays))
    cards = evidence_cards(audit, state(audit), {}, {}, Marks([]))
    assert [c.hypothesis.id for c in cards] == ["stays"]


def test_a_row_is_shown_with_its_metadata(make_audit):
    pair = replace(_pair("r1", "word"), meta={"vendor": "acme", "confidence": 0.5})
    text = Page(audit_page(make_audit(), [pair])).text
    assert "vendor: acme" in text and "confidence: 0.5" in text
