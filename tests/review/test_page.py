"""The page in a browser: decided by keyboard alone, read by a screen reader's rules, and deaf to what texts hold."""

import re
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from offtarget import verdicts
from offtarget.errors import ConfigError
from offtarget.review.cards import Cards
from offtarget.review.desk import Desk, item_id
from offtarget.review.export import export
from offtarget.review.guard import Guard
from offtarget.review.keys import KEYS
from offtarget.review.merge import merge
from offtarget.review.server import Review, address, app, bound
from offtarget.review.shards import Shards
from offtarget.store import Store

CHROMIUM = Path("/usr/bin/chromium")
playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (extra dev)")
if not CHROMIUM.is_file():
    pytest.skip(f"no browser at {CHROMIUM}: install Debian's chromium", allow_module_level=True)


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    with playwright.sync_playwright() as p:
        chromium = p.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield chromium
        chromium.close()


class Served:
    """A server in this process, and a page of it."""

    def __init__(self, folder, browser, file=None):
        import uvicorn

        self.folder, self.browser, self.file = folder, browser, file
        self.desk = Desk(folder, file, by="ann")
        self.listening = bound("127.0.0.1", 0)
        guard = Guard("127.0.0.1", self.listening.getsockname()[1], token="secret")
        self.address = address(guard)
        config = uvicorn.Config(app(Review(self.desk, Store(), KEYS), guard), log_level="error", lifespan="off")
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run, kwargs={"sockets": [self.listening]})
        self.thread.start()
        self.faults: list[str] = []

    def open(self, more="", **options):
        page = self.browser.new_page(**options)
        page.on("pageerror", lambda e: self.faults.append(str(e)))
        page.on(
            "request", lambda r: None if r.url.startswith(self.address.split("#")[0]) else self.faults.append(r.url)
        )
        page.goto(self.address.replace("#", f"#{more}&") if more else self.address)
        page.wait_for_selector("body[data-ready]")
        return page

    def close(self):
        self.server.should_exit = True
        self.thread.join()
        self.listening.close()
        self.desk.close()


@pytest.fixture()
def served(folder, browser):
    served = Served(folder, browser)
    yield served
    for context in browser.contexts:
        context.close()
    served.close()
    assert not served.faults


def told(page, where, text):
    """Wait until a part of the page says something."""
    page.locator(where, has_text=text).first.wait_for(timeout=10_000)


def press(page, keys, said="Saved"):
    """Press keys one by one, each once the answer to the one before is there."""
    for key in keys:
        page.evaluate("document.getElementById('said').textContent = ''")
        page.keyboard.press(key)
        told(page, "#said", said)


def decisions(served):
    return {v.place: v.decision for v in verdicts.read(served.desk.path, served.desk.audit).verdicts if v.decided}


def test_ten_concepts_by_keyboard_alone_then_reload_and_undo(served):
    page = served.open("view=overall")
    assert page.locator("#list li").count() >= 10, "the audit has ten findings over the whole set"
    press(page, "asmasmasma")
    found = decisions(served)
    assert len(found) == 10 and list(found.values()) == [*["allow", "suppress", "amplify"] * 3, "allow"]
    page.wait_for_url(lambda url: "token" not in url)
    told(page, "#short", "reward_shaping touches")
    page.reload()
    page.wait_for_selector("body[data-ready]")
    done = sum(served.desk.standing(h).queue == "decided" for h in served.desk.audit.findings)
    assert page.inner_text("#progress").startswith(f"{done} of ") and done >= 10, "contexts of the ten are covered"
    press(page, "uu", said="Taken back")
    assert decisions(served) == dict(list(found.items())[:8])


def at_once(page, keys, **more):
    """Press keys without waiting for any answer."""
    page.evaluate(
        "([keys, more]) => { for (const key of keys)"
        " document.body.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, ...more })); }",
        [list(keys), more],
    )


def test_keys_that_do_not_wait_decide_one_concept_each(served):
    page = served.open("view=overall")
    at_once(page, "as4m")
    told(page, "#said", "amplified")
    found = [v for v in verdicts.read(served.desk.path).verdicts if v.decided]
    assert [(v.decision, v.strength) for v in found] == [("allow", 1.0), ("suppress", 1.0), ("amplify", 2.0)]
    assert len({v.concept for v in found}) == 3
    at_once(page, "uua", repeat=True)
    at_once(page, "x")
    told(page, "#said", "selected")
    assert len(decisions(served)) == 3, "a key that is held down does nothing more"


def test_what_was_pressed_before_a_failure_was_seen_is_not_done(served):
    page = served.open("view=overall")
    served.desk.read_only = "the disk is full"
    at_once(page, "as")
    told(page, "#fault", "the disk is full")
    served.desk.read_only = ""
    press(page, "m")
    assert list(decisions(served).values()) == ["amplify"]


def test_reason_strength_and_scope_by_keyboard(served):
    item = next(i for i, h in served.desk.hypotheses.items() if h.finding and h.context)
    page = served.open(f"queue=all&item={item.replace('|', '%7C').replace('=', '%3D')}")
    page.keyboard.press("t")
    page.keyboard.press("4")
    page.keyboard.press("w")
    page.keyboard.type("as said: a, s, m")
    page.keyboard.press("Escape")
    press(page, "s")
    (v,) = verdicts.read(served.desk.path).verdicts
    h = served.desk.hypotheses[item]
    assert v.place == (h.concept, h.context) and (v.decision, v.strength, v.why) == (
        "suppress",
        2.0,
        "as said: a, s, m",
    )


def test_all_of_a_filter_is_decided_at_once(served):
    page = served.open("view=every&queue=all")
    n = len(served.desk.hypotheses)
    page.keyboard.press("f")
    told(page, "#picked", f"{n} selected")
    press(page, "a")
    concepts = {h.concept for h in served.desk.hypotheses.values()}
    assert n >= 100 and decisions(served) == {(c, None): "allow" for c in concepts}
    press(page, "u", said="Taken back")
    assert decisions(served) == {}


def test_search_and_queue_are_in_the_address(served):
    page = served.open()
    page.keyboard.press("/")
    page.keyboard.type("bold")
    page.keyboard.press("Enter")
    page.click("#queues button:has-text('All')")
    page.wait_for_url(lambda url: "q=bold" in url and "queue=all" in url)
    page.reload()
    page.wait_for_selector("body[data-ready]")
    names = page.eval_on_selector_all("#list .name", "all => all.map((n) => n.innerText.toLowerCase())")
    assert names and all("bold" in name for name in names)


def test_what_goes_with_a_concept_opens_also_beyond_the_list(served, monkeypatch, tmp_path):
    """Here every hypothesis over the whole set is a finding, so one is taken out of the list."""
    other = next(h for h in served.desk.audit.findings if h.context is None and h.concept != "surface:bold")
    label = next(c.title for c in served.desk.audit.concepts if c.id == other.concept)
    read, items = Shards.concept, Cards.items
    monkeypatch.setattr(Shards, "concept", lambda self, c: {**read(self, c), "related": [(other.concept, 0.5)]})

    def without(self, ids=None, **more):
        return [i for i in items(self, ids, **more) if ids is not None or i["concept"] != other.concept]

    monkeypatch.setattr(Cards, "items", without)
    page = served.open("queue=all&item=overall%7Csurface%3Abold%7C")
    link = page.locator(".links button", has_text=label)
    link.click()
    told(page, "h2", label)
    page.wait_for_url(lambda url: quote(f"overall|{other.concept}|", safe="") in url)
    press(page, "s")
    assert decisions(served) == {(other.concept, None): "suppress"}
    served.desk.undo()
    file = export(Review(served.desk, Store(), KEYS), tmp_path / "page.html")
    page = served.browser.new_page()
    page.goto(f"{file.as_uri()}#queue=all&item=overall%7Csurface%3Abold%7C")
    told(page, ".links", label)
    assert page.locator(".links button", has_text=label).count() == 0, "a page of one file has no card of it"


def test_texts_of_the_data_change_nothing(served):
    page = served.open("queue=all&item=overall%7Csurface%3Abold%7C")
    page.wait_for_selector(".pair")
    text = page.inner_text("#card")
    assert "<script>" in text and "<b unclosed" in text and 'onerror="' in text
    assert page.locator("main script, main img, main svg, main b").count() == 0
    assert page.title().endswith(": review") and page.locator(".sides mark").count() >= 5


def serious_faults(page):
    """What axe finds that hinders somebody."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")
    found = axe.Axe().run(page).response["violations"]
    grave = ("serious", "critical")
    return [(v["id"], [n["html"][:120] for n in v["nodes"]]) for v in found if v["impact"] in grave]


def test_no_serious_fault_for_those_who_cannot_see_or_point(served):
    for more, options in (
        ("q=bold&queue=all", {}),
        ("q=bold", {"color_scheme": "dark", "viewport": {"width": 400, "height": 800}}),
    ):
        page = served.open(more, **options)
        page.wait_for_selector(".pair")
        assert not serious_faults(page)
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), "nothing is cut off"
        page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_serious_fault_in_conflicts(folder, browser, scheme):
    _, out = merged(folder, contested(folder)[0])
    served = Served(folder, browser, out)
    for item in (contested(folder)[0], "place|surface:bold|vendor=acme"):
        page = served.open(
            f"queue=conflict&item={quote(item)}", color_scheme=scheme, viewport={"width": 400, "height": 800}
        )
        page.wait_for_selector(".conflict")
        assert not serious_faults(page)
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), "nothing is cut off"
        page.context.close()
    served.close()


def merged(folder, *items):
    """Files of ann and bob, who contradict on some hypotheses and on rows of one vendor, and what is merged of them."""
    files = []
    for name, decision in (("ann", "allow"), ("bob", "suppress")):
        files.append(folder.path / f"{name}.yaml")
        row = f"{{concept: surface:bold, where: {{vendor: acme}}, decision: {decision}, by: {name}, date: 2026-05-01}}"
        files[-1].write_text(f"schema_version: 1\nvocabulary: {folder.audit.vocabulary}\nverdicts:\n  - {row}\n")
        desk = Desk(folder, files[-1], by=name)
        for item in items:
            desk.decide([item], decision, scope="context", why=f"{name} says so")
        desk.close()
    out = folder.path / "merged.yaml"
    assert len(merge(files, out)) == 1 + len(items)
    return files, out


def contested(folder):
    """Three hypotheses, of which one is in a context."""
    found = folder.audit.findings
    whole = [f"overall|{h.concept}|" for h in found if h.context is None][:2]
    h = next(h for h in found if h.context is not None)
    return [*whole, f"{h.view}|{h.concept}|{h.context}"]


def test_conflicts_of_a_merge_are_settled_on_the_page_one_after_the_other(folder, browser):
    items = contested(folder)
    files, out = merged(folder, *items)
    served = Served(folder, browser, out)
    page = served.open("queue=conflict")
    assert page.locator("#list li").count() == 4
    text = page.inner_text(".conflict")
    assert "Allowed by ann" in text and "“bob says so”" in text
    page.click("button:has-text('Take B')")
    told(page, "#said", "side B")
    press(page, "ma")
    assert page.inner_text(".one .tag") == "vendor=acme", "the last conflict, which has no card"
    press(page, "s", said="Take one of the sides")
    page.click("button:has-text('Take B')")
    told(page, "#said", "side B")
    found = decisions(served)
    settled = ["suppress", "amplify", "allow"]
    places = [(served.desk.hypotheses[i].concept, served.desk.hypotheses[i].context) for i in items]
    ranked = sorted(places, key=lambda p: p[1] is not None)
    assert found.pop(("surface:bold", "vendor=acme")) == "suppress"
    assert set(found) == set(places) and found[ranked[2]] == "allow" and set(found.values()) == set(settled)
    with pytest.raises(ConfigError, match="somebody else decides"):
        merge(files, out)
    press(page, "uu", said="Taken back")
    assert page.locator("#list li").count() == 2, "taken back is open again"
    page.context.close()
    served.close()
    assert not served.faults and len(merge(files, out)) == 2


def test_a_page_that_only_reads_says_so(folder, browser):
    first = Desk(folder, by="bob")
    served = Served(folder, browser)
    page = served.open()
    assert "only reads" in page.inner_text("#fault") and page.locator("button.allow").is_disabled()
    page.context.close()
    served.close()
    first.close()


def test_what_expired_is_decided_anew_with_one_key(served):
    served.desk.decide(["overall|surface:bold|"], "allow", until="2020-01-01", why="for now")
    page = served.open("queue=changed&view=overall")
    assert page.input_value("#until") == ""
    press(page, "a")
    (v,) = verdicts.read(served.desk.path).verdicts
    assert (v.decision, v.until, v.why) == ("allow", None, "for now")
    assert page.locator("#list li").count() == 0


def test_what_changed_is_looked_at_again_also_on_the_page_of_one_file(folder, browser):
    desk = Desk(folder, by="ann")
    h = next(h for h in folder.audit.findings if h.context is not None)
    desk.decide([f"overall|{h.concept}|"], "allow", until="2020-01-01")
    file = export(Review(desk, Store(), KEYS), folder.path / "page.html")
    desk.close()
    page = browser.new_page()
    page.goto(f"{file.as_uri()}#queue=changed")
    page.wait_for_selector("body[data-ready]")
    assert page.locator(".one .tag.warn").inner_text() == "look again"
    assert "until 2020-01-01 (its last day has passed)" in page.inner_text("#state")
    n = page.locator("#list li").count()
    assert n >= 2, "it and what it covers"
    press(page, "a", said="Held")
    assert page.locator("#list li").count() == 0
    assert page.locator("#none").inner_text() == "Nothing is left to look at again here."
    assert page.locator("#queues [aria-pressed=true]").inner_text().startswith("Look again")
    press(page, "u", said="Taken back")
    assert page.locator("#list li").count() == n
    page.context.close()


def test_the_page_of_one_file_settles_conflicts(folder, browser):
    items = contested(folder)
    _, out = merged(folder, *items)
    desk = Desk(folder, out, by="zoe")
    file = export(Review(desk, Store(), KEYS), folder.path / "page.html")
    desk.close()
    text = file.read_text()
    assert str(folder.path) not in text and folder.audit.reading.data not in text, "no path of this machine"
    page = browser.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda e: faults.append(str(e)))
    page.goto(f"{file.as_uri()}#queue=conflict")
    page.wait_for_selector("body[data-ready]")
    for _ in range(4):
        page.click("button:has-text('Take B')")
        told(page, "#said", "side B")
        page.evaluate("document.getElementById('said').textContent = ''")
    press(page, "u", said="Taken back")
    with page.expect_download() as down:
        page.click("text=Download verdicts.yaml")
    found = verdicts.parse(Path(down.value.path()).read_text(), "downloaded", folder.audit).verdicts
    assert [v.decision for v in found if v.place == ("surface:bold", "vendor=acme")] == ["undecided"]
    assert [(v.decision, v.by) for v in found if v.decided] == [("suppress", "bob")] * 3
    assert not faults
    page.context.close()


def test_the_page_of_one_file_decides_and_gives_a_verdicts_file(folder, browser, tmp_path):
    desk = Desk(folder, by="ann")
    desk.decide(["overall|surface:bold|"], "allow", why="before")
    file = export(Review(desk, Store(), KEYS), tmp_path / "page.html")
    desk.close()
    page = browser.new_page()
    asked: list[str] = []
    page.on("request", lambda r: asked.append(r.url))
    page.on("pageerror", lambda e: asked.append(str(e)))
    page.goto(file.as_uri())
    page.wait_for_selector("body[data-ready]")
    page.fill("#by", "zoe")
    page.keyboard.press("Escape")
    press(page, "sm", said="Held")
    press(page, "u", said="Taken back")
    with page.expect_download() as down:
        page.click("text=Download verdicts.yaml")
    text = Path(down.value.path()).read_text()
    found = verdicts.parse(text, "downloaded", folder.audit).verdicts
    assert [(v.concept, v.decision, v.by) for v in found[:1]] == [("surface:bold", "allow", "ann")]
    assert [(v.decision, v.by) for v in found[1:]] == [("suppress", "zoe")] and found[1].seen.audit == folder.audit.key
    assert [u for u in asked if not u.startswith(("file:", "blob:"))] == []
    assert page.evaluate("Object.keys({...localStorage}).length + Object.keys({...sessionStorage}).length") == 0
    page.context.close()


def test_the_bar_counts_a_decision_on_what_is_no_finding_apart(served):
    """So that it agrees with the number of the tab, which has them all."""
    audit = served.desk.audit
    none = next(h for h in audit.hypotheses if not h.finding)
    finding = next(h for h in audit.findings if h.context is None)
    served.desk.decide([item_id(none), item_id(finding)], "allow")
    page = served.open("view=every")
    n = len(audit.findings)
    done = sum(served.desk.standing(h).queue == "decided" for h in audit.findings)
    others = sum(served.desk.standing(h).queue == "decided" for h in audit.hypotheses if not h.finding)
    assert page.inner_text("#progress") == f"{done} of {n} findings decided, and {others} that are no finding"
    assert others > 1, "a decision everywhere covers the contexts"
    tab = page.locator("#queues button", has_text=re.compile("^Decided")).locator(".count").inner_text()
    assert int(tab) == done + others


def test_a_line_of_the_list_in_a_context_says_what_it_is_against(served):
    page = served.open("view=every")
    page.click("#queues button:has-text('All')")
    said = page.locator("#list .under").all_text_contents()
    assert said and [x for x in said if not x.endswith(", against elsewhere")] == []


def test_what_failed_in_the_gate_is_shown_first(folder, browser):
    from offtarget.gate.criteria import Criteria
    from offtarget.gate.last import keep
    from offtarget.gate.records import GateConfig
    from offtarget.gate.run import gate

    config = GateConfig.model_validate({"rule": [{"concept": "surface:apology", "max_effect": 5}]})
    keep(folder, gate(folder, Criteria(config)), None)
    served = Served(folder, browser)
    page = served.open()
    assert page.inner_text("#queues [aria-pressed=true]").startswith("Failed in the gate")
    assert page.locator("#list li").count() == 1 and "the limit is 5 points" in page.inner_text(".failed")
    press(page, "s")
    told(page, "#none", "Nothing that failed in the gate is left here.")
    page.reload()
    page.wait_for_selector("body[data-ready]")
    page.close()
    served.close()


def test_after_the_last_of_a_search_the_card_stays_and_the_search_can_be_cleared(served):
    """The parts of a concept that is decided everywhere are covered: no card of one opens, where a key would make an exception."""
    page = served.open()
    page.fill("#search", "dashes")
    page.keyboard.press("Enter")
    page.wait_for_selector("#list li")
    page.locator("#list button.line").first.click()
    page.keyboard.press("s")
    told(page, "#said", "Saved")
    told(page, "#none", "Nothing here matches “dashes”: other entries do not show.")
    assert page.inner_text("article .where") == "whole set"
    page.locator("#none button").click()
    assert page.locator("#list li").count() > 1


def test_a_page_that_only_reads_offers_nothing_to_change(folder, browser):
    first = Desk(folder)
    served = Served(folder, browser)
    page = served.open()
    left = page.locator(".decide :is(button, input):enabled").all_inner_texts()
    assert not [t for t in left if "statement" not in t]
    first.close()
    page.reload()
    page.wait_for_selector("body[data-ready]")
    press(page, "a")
    served.close()


def test_halves_are_said_in_words(served):
    page = served.open("view=overall")
    facts = page.inner_text("dl.facts")
    assert "in two halves" in facts and "or more in each half of the prompts" in facts


def test_weights_are_ranges_with_both_ends_and_bars_of_their_size(served):
    page = served.open("view=overall")
    press(page, "s")
    page.locator("details.plan summary").click()
    page.wait_for_selector("table.weights tbody tr")
    rows = page.locator("table.weights tbody tr")
    counts = [int(rows.nth(k).locator("td").nth(1).inner_text().replace(",", "")) for k in range(rows.count())]
    widths = [rows.nth(k).locator(".bar").evaluate("b => b.getBoundingClientRect().width") for k in range(rows.count())]
    assert all(" to " in rows.nth(k).locator("td").first.inner_text() for k in range(rows.count()))
    big = max(range(len(counts)), key=counts.__getitem__)
    for n, w in zip(counts, widths, strict=True):
        assert abs(w - max(2, widths[big] * n / counts[big])) < 2
