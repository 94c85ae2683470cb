"""The commands in README, docs and skills: they run, or exist, and print what the pages say."""

import sys
from pathlib import Path

import pytest

pytest.importorskip("sybil", reason="the dev extra brings it")

REPO = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPO / "docs"))

import run  # noqa: E402


@pytest.fixture(scope="module", autouse=True)
def one_store(tmp_path_factory: pytest.TempPathFactory):
    """One store for all pages: several read the same rows."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OFFTARGET_HOME", str(tmp_path_factory.mktemp("store")))
        patch.setenv("COLUMNS", str(run.WIDTH))
        yield


@pytest.mark.parametrize("page", run.pages(), ids=lambda p: str(p.relative_to(REPO)))
def test_the_commands_of_a_page_do_what_it_says(page: Path, tmp_path: Path) -> None:
    run.inline(page)
    assert run.stale(page, run.run(page, tmp_path)) == []


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("offtarget adit x", "no command 'offtarget adit'"),
        ("offtarget plan x --protokol filter", "has no option --protokol"),
        ("offtarget data check x --drop f", "'offtarget data check' has no option --drop"),
        ("offtarget run baselines/recipes/nowhere.yaml", "there is no baselines/recipes/nowhere.yaml"),
        ("make tea", "no target 'tea'"),
    ],
)
def test_a_command_that_could_not_be_run_is_named(command: str, says: str) -> None:
    with pytest.raises(run.DocumentError, match=says):
        run.check(command, "page:1")
    run.check(
        "OMP_NUM_THREADS=1 offtarget --registry mine plan x --protocol filter -P strength=-0.3 --threads 2", "page:1"
    )


def test_continued_lines_and_open_quotations_are_one_command() -> None:
    text = "# first\nofftarget run a \\\n  --set b\n\nofftarget run 'c\n d'  # why\n"
    assert list(run.lines_of(text)) == ["offtarget run a    --set b", "offtarget run 'c\n d'  # why"]


def test_blocks_know_their_marks_and_output_is_cut(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("<!-- parsed: hours -->\n```bash\nmake demo\n```\n\n<!-- output: 2 -->\n```text\na\n```\n")
    found = [(b.language, b.mark, b.argument, b.line) for b in run.blocks(page)]
    assert found == [("bash", "parsed", "hours", 2), ("text", "output", "2", 7)]
    assert run._first("a \nb\nc\n", 2) == "a\nb\n...\n"
    run.write(page, run.Printed(outputs={7: "x\ny\n...\n"}))
    assert page.read_text().endswith("```text\nx\ny\n...\n```\n")
