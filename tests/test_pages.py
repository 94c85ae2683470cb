"""The documents: what is made is current, links lead somewhere, and the front door is short."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from offtarget.lens.table import LENSES
from offtarget.registry import Registry

REPO = Path(__file__).resolve().parents[1]
PAGES = sorted([*REPO.glob("*.md"), *(REPO / "docs").rglob("*.md"), *(REPO / "skills").rglob("*.md")])
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)\s]*)?\)")
PATH = re.compile(r"`((?:harness|tasks|datasets_registry|baselines|results|tests|docs|skills)/[\w./-]*\w)`")


def test_made_pages_are_current() -> None:
    """Fails when the code or a record has changed since `python docs/make.py` ran."""
    done = subprocess.run(
        [sys.executable, "docs/make.py", "--check"], cwd=REPO, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{done.stdout}{done.stderr}"


def test_a_number_typed_into_a_made_table_is_noticed() -> None:
    sys.path.insert(0, str(REPO / "docs"))
    import make

    page = (REPO / "docs/results/prediction.md").read_text(encoding="utf-8")
    assert make.MARKED.sub(make._filled, page) == page
    assert make.MARKED.sub(make._filled, page.replace("0.45 (0.09)", "0.54 (0.09)")) == page


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(REPO)))
def test_links_and_paths_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target in LINK.findall(text):
        assert target.startswith(("http", "mailto:")) or (page.parent / target).exists(), f"{page.name}: {target}"
    if page.name != "CHANGELOG.md":
        for path in PATH.findall(text):
            assert "NAME" in path or (REPO / path).exists(), f"{page.name}: there is no {path}"


def test_the_front_door_is_short_and_keeps_the_commands_of_ci() -> None:
    readme = (REPO / "README.md").read_text(encoding="utf-8")
    assert len(readme.encode()) <= 9_000
    assert "\nmake test " in readme and "\nmake demo " in readme
    for picture in re.findall(r"!\[.*?\]\((.*?)\)", readme):
        assert (REPO / picture).stat().st_size <= 200_000


def test_the_paper_index_names_every_protocol_and_lens() -> None:
    index = (REPO / "docs/paper_index.md").read_text(encoding="utf-8")
    found = Registry()
    ours = [e.name for e in found.entries("protocol") if e.builtin]
    assert len(ours) >= 18
    missing = [n for n in (*ours, *LENSES) if f"\n| `{n}` |" not in index]
    assert missing == []


def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    pytest.importorskip("mkdocs", reason="the extra `docs` brings it")
    pytest.importorskip("material", reason="the extra `docs` brings it")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path)],
        cwd=REPO, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "reference" / "cli.html").is_file()
    assert not list(tmp_path.rglob("*.py"))
