"""The site of a board: a page for each cell, links that lead somewhere, sorted by keyboard, at 360 pixels too."""

import re
from pathlib import Path
from urllib.parse import unquote

import pytest

from offtarget.board.cell import Cell, Reproduction
from offtarget.board.folder import read_folders, write_cell
from offtarget.board.rank import rank
from offtarget.board.render import write_boards

CHROMIUM = Path("/usr/bin/chromium")
LONG = "a_protocol_whose_name_does_not_end_for_a_long_while_and_goes_on"
EVIL = "<img src=x onerror=\"document.title='ran'\">"


@pytest.fixture()
def site(tmp_path, make_cell, three):
    """A run folder with cells, and its site."""
    cells = [
        *three("start", style=0.2, sycophancy=0.3, capability=0.6),
        *three("dpo", style=0.4, sycophancy=0.4, capability=0.55),
        *three("filter", style=0.25, sycophancy=0.35, capability=0.58),
        *three("steering", style=0.3, sycophancy=0.3, capability=0.57),
        *three(LONG, style=0.36, sycophancy=0.32, capability=0.5),
        *three(EVIL, style=0.35, sycophancy=0.32, capability=0.5),
    ]
    run = tmp_path / "run"
    for cell in cells:
        write_cell(run / "cells", cell)
    (run / "run.json").write_text("{}")
    (run / "audit").mkdir()
    (run / "audit" / "report.html").write_text("audit")
    (run / "logs" / "filter-s0").mkdir(parents=True)
    found = read_folders([run / "cells"])
    write_boards(rank(found.cells), ["html"], tmp_path / "out", command="offtarget board", cells=found)
    return tmp_path / "out", found


def test_each_cell_has_a_page_and_every_link_leads_somewhere(site):
    out, found = site
    assert {p.stem for p in (out / "pages").iterdir()} == {c.key[:12] for c in found.cells}
    for page in [out / "board.html", *(out / "pages").iterdir()]:
        text = page.read_text()
        assert not re.search(r'(?:href|src)="(?:https?:)?//', text)
        ids = set(re.findall(r'\bid="([^"]+)"', text))
        for to in re.findall(r'<a [^>]*href="([^"]+)"', text):
            assert to[1:] in ids if to.startswith("#") else (page.parent / unquote(to)).exists(), f"{page.name}: {to}"


def test_the_page_of_a_cell_links_recipe_audit_plan_and_log(site):
    out, found = site
    cell = next(c for c in found.cells if c.spec.protocol == "filter" and c.spec.seed == 0)
    text = (out / "pages" / f"{cell.key[:12]}.html").read_text()
    for to in ("run/run.json", "run/audit/report.html", "run/logs/filter-s0", "#plan", "#log", "#recipe"):
        assert re.search(rf'href="(?:\.\./)*{to}"', text), to
    assert "offtarget reproduce" in text and "0.250" in text
    other = next(c for c in found.cells if c.spec.protocol == "steering")
    assert "run/logs" not in (out / "pages" / f"{other.key[:12]}.html").read_text()


def test_a_reproduction_is_said_on_the_page_and_changes_no_key(site, tmp_path):
    _, found = site
    again = Reproduction(by=EVIL, date="2026-01-31", conclusion="within seed noise")
    cell = Cell.model_validate({**found.cells[0].model_dump(), "reproduced": [again.model_dump()]})
    assert cell.key == found.cells[0].key
    write_cell(tmp_path / "two", cell)
    both = read_folders([tmp_path / "two"])
    write_boards(rank(both.cells), ["html"], tmp_path / "o", command="c", cells=both)
    text = (tmp_path / "o" / "pages" / f"{cell.key[:12]}.html").read_text()
    assert "within seed noise, by &lt;img" in text and "<img" not in text
    assert "made again: within seed noise" in (tmp_path / "o" / "board.html").read_text()


def test_links_to_boards_and_rows_stay_when_a_seed_comes(site, make_cell):
    _, found = site
    more = make_cell("filter", seed=7, style=0.25, sycophancy=0.35, capability=0.58)
    before, after = rank(found.cells).boards[0], rank([*found.cells, more]).boards[0]
    assert before.key == after.key
    from offtarget.board.cell_tables import row_anchor

    ids = [{r.label: row_anchor(b, r) for r in b.rows} for b in (before, after)]
    assert ids[0] == ids[1] and len(set(ids[0].values())) == len(ids[0])


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (extra dev)")
    if not CHROMIUM.is_file():
        pytest.skip(f"no browser at {CHROMIUM}: install Debian's chromium")
    with playwright.sync_playwright() as p:
        chromium = p.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield chromium
        chromium.close()


def opened(browser, file, width):
    page = browser.new_page(viewport={"width": width, "height": 800})
    faults: list[str] = []
    page.on("pageerror", lambda e: faults.append(str(e)))
    page.on("request", lambda r: None if r.url.startswith("file:") else faults.append(r.url))
    page.goto(file.as_uri())
    return page, faults


def names(page):
    found = page.locator("table").nth(1).locator("tbody tr td:first-child").all_inner_texts()
    return [re.split(r"[\n #]", text)[0] for text in found]


def test_a_table_is_sorted_by_keyboard_alone_from_a_file(site, browser):
    page, faults = opened(browser, site[0] / "board.html", 1100)
    listed = names(page)
    page.locator("table").nth(1).locator("th button").nth(1).focus()
    assert page.evaluate("document.activeElement.closest('th').textContent").startswith("style")
    page.keyboard.press("Enter")
    rates = {"start": 0.2, "filter": 0.25, "steering": 0.3, "<img": 0.35, LONG: 0.36, "dpo": 0.4}
    assert names(page) == sorted(rates, key=rates.__getitem__) != listed
    page.keyboard.press("Space")
    assert names(page) == sorted(rates, key=rates.__getitem__, reverse=True)
    assert page.locator("table").nth(1).locator("th").nth(1).get_attribute("aria-sort") == "descending"
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.locator("table").nth(1).locator("th").nth(2).get_attribute("aria-sort") == "ascending"
    assert names(page)[-1] == "dpo"
    assert page.title() == "Boards" and not faults


def test_at_360_pixels_nothing_runs_off_and_a_list_sorts(site, browser):
    page, faults = opened(browser, site[0] / "board.html", 360)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    choice = page.locator("label.sort select").nth(1)
    choice.focus()
    page.keyboard.type("style target")
    assert choice.input_value() == "1 ascending"
    assert names(page)[0] == "start" and names(page)[-1] == "dpo"
    choice.select_option("")
    inner = "[...document.querySelectorAll('.scroll')].filter((s) => s.scrollWidth > s.clientWidth).length"
    assert page.evaluate(inner) == 0
    (cell,) = [c for c in site[1].cells if c.spec.protocol == LONG and c.spec.seed == 0]
    page.goto((site[0] / "pages" / f"{cell.key[:12]}.html").as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert page.evaluate(inner) == 0
    assert not faults


def test_a_link_to_a_row_leads_there_and_screen_readers_find_no_fault(site, browser):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    page, _ = opened(browser, site[0] / "board.html", 1100)
    row = page.locator("table").nth(1).locator("tbody tr").nth(2)
    row.locator("a.here").focus()
    page.keyboard.press("Enter")
    page.wait_for_url(f"**#{row.get_attribute('id')}")
    href = page.locator(".links a").first.get_attribute("href")
    for address in (site[0] / "board.html", site[0] / href):
        page.goto(address.as_uri())
        bad = [v for v in axe.Axe().run(page).response["violations"] if v["impact"] in {"serious", "critical"}]
        assert [(v["id"], v["nodes"][0]["html"]) for v in bad] == []
