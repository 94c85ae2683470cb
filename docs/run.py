"""Runs the command blocks of the documents, page by page, each page in an empty folder.

    python docs/run.py                     # runs all pages and names what fails
    python docs/run.py docs/how-to/gate.md # one page
    python docs/run.py --write             # also writes what the commands printed into the output blocks

A `bash` block is run, unless a comment before it says why it is not. Comments before a block, on the line above:

    <!-- parsed: takes minutes -->   only its verbs, options and files are checked
    <!-- file: pairs.csv -->         the block is written to this file of the page's folder
    <!-- output: 12 -->              the block holds the first 12 lines that the last bash block printed
"""

import argparse
import contextlib
import io
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

REPO = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPO / "docs"))
sys.path.insert(0, str(REPO / "harness"))

from making.cli_page import commands
from sybil import Sybil
from sybil.example import Example
from sybil.parsers.markdown import CodeBlockParser

from offtarget import registry
from offtarget.cli.main import app, call, hoist

LANGUAGES = ("bash", "text", "yaml", "python", "csv", "json")
MARK = re.compile(r"<!-- (parsed|file|output): (.*?) -->\n$")
INLINE = re.compile(r"`(offtarget [^`]+)`")
WIDTH = 100


class DocumentError(Exception):
    """What is wrong with a block of a page."""


@dataclass
class Block:
    """One fenced block of a page."""

    page: Path
    line: int
    language: str
    text: str
    mark: str
    """parsed, file, output, or empty."""
    argument: str
    """What stands behind the mark."""

    @property
    def place(self) -> str:
        """Page and line, for messages."""
        return f"{self.page.relative_to(REPO)}:{self.line}"


@dataclass
class Printed:
    """What the commands of a page printed, block by block."""

    last: str = ""
    outputs: dict[int, str] = field(default_factory=dict)
    """Line of an output block -> what it should hold."""


def pages() -> list[Path]:
    """Every page with blocks that a reader may run."""
    places = (REPO.glob("*.md"), (REPO / "docs").rglob("*.md"), (REPO / "skills").rglob("*.md"))
    return sorted(p for found in places for p in found if p.name != "CHANGELOG.md")


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of a page, in order."""
    found: list[Block] = []

    def keep(language: str) -> Callable[[Example], None]:
        def evaluate(example: Example) -> None:
            above = MARK.search(example.document.text[: example.start])
            mark, argument = above.groups() if above else ("", "")
            found.append(Block(page, example.line, language, str(example.parsed), mark, argument))

        return evaluate

    document = Sybil(parsers=[CodeBlockParser(language, keep(language)) for language in LANGUAGES]).parse(page)
    for example in document.examples():
        example.evaluate()
    return found


def lines_of(text: str) -> Iterator[str]:
    """The commands of a bash block: continued lines and open quotations joined, comment lines left out."""
    command = ""
    for line in text.splitlines():
        if not command and (not line.strip() or line.lstrip().startswith("#")):
            continue
        command += line.removesuffix("\\") + ("\n" if not line.endswith("\\") else " ")
        if not line.endswith("\\") and _closed(command):
            yield command.strip()
            command = ""


def _closed(command: str) -> bool:
    try:
        shlex.split(command, comments=True)
    except ValueError:
        return False
    return True


def check(command: str, place: str) -> None:
    """Whether a command could be run: its verb and options exist, and the files of the repository that it names.

    Raises:
        DocumentError: naming what does not exist.
    """
    words = shlex.split(command, comments=True)
    while words and re.fullmatch(r"[A-Z_]+=\S*", words[0]):
        words.pop(0)
    for word in words:
        inside = re.match(r"(baselines|tests|results|datasets_registry|docs|harness)/[\w./-]*\w", word)
        if inside and "NAME" not in word and not _written(words, word) and not (REPO / inside[0]).exists():
            raise DocumentError(f"{place}: there is no {word}")
    if words[:1] == ["make"]:
        targets = re.findall(r"^([\w-]+):", (REPO / "Makefile").read_text(), re.M)
        for target in words[1:]:
            if target not in targets:
                raise DocumentError(f"{place}: the Makefile has no target '{target}'")
    if words[:1] == ["offtarget"]:
        _check_options(hoist(words[1:]), place)


def _written(words: list[str], word: str) -> bool:
    """Whether a command writes this path, so that it need not exist yet."""
    at = words.index(word)
    return at > 0 and words[at - 1] in {"--out", "--write", "--summary", ">", "-o"}


def _check_options(words: list[str], place: str) -> None:
    everywhere = {o for p in _group().params for o in p.opts}
    while words and words[0] in everywhere:
        words = words[2:] if words[0] in {"--registry", "--threads"} else words[1:]
    if not words or words[0] in {"VERB", "--help"}:
        return
    known = {name.removeprefix("offtarget "): found for name, found in commands()}
    name = next((n for n in (" ".join(words[:2]), words[0]) if n in known), None)
    if name is None:
        raise DocumentError(f"{place}: there is no command 'offtarget {words[0]}'")
    options = {o for p in known[name].params for o in p.opts} | everywhere | {"--help"}
    for word in words:
        option = word.split("=")[0]
        if re.fullmatch(r"--?[A-Za-z][\w-]*", option) and option not in options:
            raise DocumentError(f"{place}: 'offtarget {name}' has no option {option}")


def _group() -> object:
    import typer

    return typer.main.get_command(app)


def run(page: Path, folder: Path) -> Printed:
    """Run the blocks of a page in a folder.

    Raises:
        DocumentError: a command failed, or printed something else than the page says.
    """
    printed = Printed()
    for block in blocks(page):
        if block.mark == "file":
            path = folder / block.argument
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, encoding="utf-8")
        elif block.mark == "output":
            printed.outputs[block.line] = _first(printed.last, int(block.argument))
        elif block.language == "bash":
            for command in lines_of(block.text):
                check(command, block.place)
            if block.mark != "parsed":
                printed.last = "".join(_call(c, folder, block.place) for c in lines_of(block.text))
    return printed


def _first(text: str, n: int) -> str:
    """The first lines, sentences broken as a terminal would break them; rows of tables keep their line."""
    lines = [line.rstrip() for line in text.splitlines()]
    shown = [
        part for line in lines[:n] for part in (_broken(line) if len(re.findall(r"\S {2,}\S", line)) < 2 else [line])
    ]
    return "\n".join([*shown, *(["..."] if len(lines) > n else [])]) + "\n"


def _broken(line: str) -> list[str]:
    indent = line[: len(line) - len(line.lstrip())]
    return textwrap.wrap(line, WIDTH, subsequent_indent=f"{indent}  ", break_on_hyphens=False) or [""]


def _call(command: str, folder: Path, place: str) -> str:
    """What a command prints to standard output; those of offtarget run in this process, which saves their start."""
    words = shlex.split(command, comments=True)
    if words[0] != "offtarget" or {"|", ">", "&&"} & set(words):
        done = subprocess.run(["bash", "-ec", command], cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode:
            raise DocumentError(f"{place}: {command}: exit {done.returncode}: {done.stderr.strip()[-500:]}")
        return done.stdout
    kept = _kept(command)
    if (kept / "out").is_dir():
        shutil.copytree(kept / "out", folder / words[words.index("--out") + 1], dirs_exist_ok=True)
        return (kept / "printed").read_text(encoding="utf-8")
    out, err = io.StringIO(), io.StringIO()
    with contextlib.chdir(folder), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = call(words[1:])
        finally:
            registry.use([])
    if code:
        raise DocumentError(f"{place}: {command}: exit {code}: {err.getvalue().strip()[-500:]}")
    if words[1] == "audit" and words[2].startswith("planted-") and "--like" not in words:
        shutil.copytree(folder / words[words.index("--out") + 1], kept / "out")
        (kept / "printed").write_text(out.getvalue(), encoding="utf-8")
    return out.getvalue()


@cache
def _kept(command: str) -> Path:
    """Where an audit of a set that ships is kept, so that pages which begin with the same one make it once."""
    return Path(tempfile.mkdtemp(prefix="offtarget-docs-"))


def stale(page: Path, printed: Printed) -> list[str]:
    """One line for each output block that holds something else than was printed."""
    return [
        f"{b.place}: the command printed something else; run: python docs/run.py --write {page.relative_to(REPO)}"
        for b in blocks(page)
        if b.line in printed.outputs and b.text.strip("\n") != printed.outputs[b.line].strip("\n")
    ]


def write(page: Path, printed: Printed) -> None:
    """Put what was printed into the output blocks of a page."""
    lines = page.read_text(encoding="utf-8").split("\n")
    for at in sorted(printed.outputs, reverse=True):  # `at` is the line of the opening fence, counted from 1
        end = next(i for i in range(at, len(lines)) if lines[i].startswith("```"))
        lines[at:end] = printed.outputs[at].rstrip("\n").split("\n")
    page.write_text("\n".join(lines), encoding="utf-8")


def inline(page: Path) -> None:
    """Check the commands that stand in sentences of a page.

    Raises:
        DocumentError: a verb or an option does not exist.
    """
    text = page.read_text(encoding="utf-8")
    prose = re.sub(r"^```.*?^```", lambda m: "\n" * m[0].count("\n"), text, flags=re.S | re.M)
    for found in INLINE.finditer(prose):
        check(" ".join(found[1].split()), f"{page.relative_to(REPO)}:{prose.count(chr(10), 0, found.start()) + 1}")


def main() -> None:
    """Run pages; exit 1 if one fails."""
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--write", action="store_true", help="write what was printed into the pages")
    ask.add_argument("pages", nargs="*", type=Path)
    asked = ask.parse_args()
    os.environ["COLUMNS"] = str(WIDTH)
    wrong = []
    for page in [p.resolve() for p in asked.pages] or pages():
        with tempfile.TemporaryDirectory() as folder:
            try:
                inline(page)
                printed = run(page, Path(folder))
            except DocumentError as e:
                wrong.append(str(e))
                continue
        if asked.write:
            write(page, printed)
        wrong += stale(page, printed)
    sys.stdout.writelines(f"{line}\n" for line in wrong)
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
