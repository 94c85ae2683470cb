"""Makes what the documents hold of the code and of the records: reference pages, and tables between marks.

    python docs/make.py            # writes what is stale
    python docs/make.py --check    # names what is stale, writes nothing; exit 1 if there is any

A table lies between `<!-- table: NAME -->` and `<!-- end -->`, in README.md or any page below docs/. The text between
the marks belongs to this script; everything else of such a page is written by hand.
"""

import argparse
import re
import sys
from collections.abc import Callable
from pathlib import Path

REPO = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPO / "docs"))
sys.path.insert(0, str(REPO / "harness"))

from making import api_page, cli_page, content_pages, formats_page, tables

MARKED = re.compile(r"(?P<head><!-- table: (?P<name>[\w-]+) -->\n).*?(?P<tail><!-- end -->)", re.S)
COMMAND = "python docs/make.py"

PAGES: dict[str, Callable[[], str]] = {
    "reference/cli.md": cli_page.page,
    "reference/formats.md": formats_page.page,
    "reference/python.md": api_page.page,
    **{f"reference/{name}.md": make for name, make in content_pages.PAGES.items()},
}


def made() -> dict[Path, str]:
    """Every page that is made or holds a made table, with the text it should have."""
    pages = {
        REPO / "docs" / name: f"<!-- Made by `{COMMAND}`; never edited. -->\n\n{make().rstrip()}\n"
        for name, make in PAGES.items()
    }
    for path in [REPO / "README.md", *sorted((REPO / "docs").rglob("*.md"))]:
        text = path.read_text(encoding="utf-8")
        if path not in pages and MARKED.search(text):
            pages[path] = MARKED.sub(_filled, text)
    return pages


def _filled(found: re.Match[str]) -> str:
    name = found["name"]
    if name not in tables.TABLES:
        sys.exit(f"docs/make.py: no table '{name}'; there are {', '.join(tables.TABLES)}")
    return f"{found['head']}\n{tables.TABLES[name]().strip()}\n\n{found['tail']}"


def main() -> None:
    """Write the stale pages, or only name them."""
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--check", action="store_true", help="name stale pages and write nothing")
    check = ask.parse_args().check
    stale = {p: text for p, text in made().items() if not p.is_file() or p.read_text(encoding="utf-8") != text}
    for path, text in stale.items():
        sys.stdout.write(f"{'stale' if check else 'wrote'}: {path.relative_to(REPO)}\n")
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    if check and stale:
        sys.exit(f"made pages are stale; run: {COMMAND}")


if __name__ == "__main__":
    main()
