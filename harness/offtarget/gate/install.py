"""How a workflow installs offtarget: from where this one came, where another machine can reach that; else a line to edit."""

import json
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from urllib.parse import unquote, urlsplit

EDIT = "EDIT-ME"
"""What stands for the address until somebody writes it; the step fails as long as it is there."""


def address(root: Path, here: Distribution | None = None) -> str | None:
    """What pip installs this offtarget from, as another machine with the repository `root` can; None where it cannot.

    Args:
        root: of the repository.
        here: the distribution; the installed one if not given. pip writes `direct_url.json` (PEP 610) into it.
    """
    try:
        text = (here or distribution("offtarget")).read_text("direct_url.json")
        said = json.loads(text) if text else {}
    except (PackageNotFoundError, OSError, ValueError):
        return None
    url = str(said.get("url", "")) if isinstance(said, dict) else ""
    parts = urlsplit(url)
    if parts.scheme == "file":
        folder = Path(unquote(parts.path)).resolve()
        whole = root.resolve()
        return f"./{folder.relative_to(whole).as_posix()}" if folder.is_relative_to(whole) else None
    if parts.scheme != "https" or "@" in parts.netloc:  # what needs a key or a password is not for a file in git
        return None
    vcs = said.get("vcs_info")
    if isinstance(vcs, dict) and vcs.get("vcs") == "git" and vcs.get("commit_id"):
        return f"git+{url}@{vcs['commit_id']}"
    return url if "archive_info" in said else None
