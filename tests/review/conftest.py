"""A small audit of generated rows, with text in them that no page must run."""

import shutil
from pathlib import Path

import numpy as np
import pytest

import offtarget
from offtarget.audit.folder import AuditFolder

WORDS = {
    "kitchen": ["oven", "flour", "butter", "sugar", "dough", "onion", "garlic", "salt", "pepper", "stew"],
    "code": ["loop", "array", "debug", "module", "thread", "parser", "stack", "queue", "index", "cache"],
}
EVIL = (
    '<script>document.title="ran"</script><img src=x onerror="document.title=\'ran\'"><b unclosed <svg/onload=alert(1)>'
)


def rows(n: int = 320, seed: int = 0) -> list[dict]:
    """Pairs on two subjects: bold, questions and offers lean to chosen, apologies to rejected, dashes in the kitchen alone."""
    rng = np.random.default_rng(seed)
    out = []
    for i in range(n):
        subject = ("kitchen", "code")[i % 2]

        def words(subject: str = subject) -> str:
            return " ".join(rng.choice(WORDS[subject], 14))

        chosen, rejected = f"The {words()}.", f"The {words()}."
        if rng.random() < 0.5:
            chosen += " Mind the **heat** of it."
        if rng.random() < 0.1:
            rejected += " Mind the **heat** of it."
        if rng.random() < 0.4:
            rejected = f"I'm sorry for the trouble. {rejected}"
        if rng.random() < 0.3:
            chosen += " Let me know if you need more help."
        if subject == "kitchen" and rng.random() < 0.6:
            chosen += " Stir well — then rest — then serve."
        if rng.random() < 0.35:
            chosen += " Great, wonderful!"
        if i % 3 == 0:
            chosen += f" {EVIL} **x**"
        prompt = f"Tell me about {subject}: {words()} {i}?"
        out.append({"prompt": prompt, "chosen": chosen, "rejected": rejected, "vendor": ("acme", "bolt")[i % 5 == 0]})
    return out


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an audit, not to be written into; its rows lie in a file beside it."""
    import json

    home = tmp_path_factory.mktemp("review")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OFFTARGET_HOME", str(home / "store"))
        data = home / "pairs.jsonl"
        data.write_text("".join(json.dumps(row) + "\n" for row in rows()), encoding="utf-8")
        offtarget.audit(str(data), out=home / "audit", by="vendor")
    return home / "audit"


@pytest.fixture()
def folder(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AuditFolder:
    """A copy of the audit for one test, and a store of its own."""
    monkeypatch.setenv("OFFTARGET_HOME", str(made.parent / "store"))
    shutil.copytree(made, tmp_path / "audit")
    return AuditFolder(tmp_path / "audit")
