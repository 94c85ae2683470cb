"""offtarget.toml: settings of the gate and limits."""

import fnmatch
import tomllib
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from offtarget.audit.records import Audit
from offtarget.documents import conflict_line, unmerged
from offtarget.errors import ConfigError, unknown_name
from offtarget.gate.records import GateConfig
from offtarget.records import explain

CONFIG = "offtarget.toml"


def read_config(path: Path) -> GateConfig:
    """Read and validate offtarget.toml.

    Raises:
        ConfigError: it cannot be read, is not TOML, or has an unknown key or a wrong value.
    """
    try:
        text = path.read_text(encoding="utf-8")
        if (line := conflict_line(text)) is not None:
            raise ConfigError(unmerged(str(path), line))
        raw = tomllib.loads(text)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}); `offtarget gate init` writes one") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not TOML ({' '.join(str(error).split())}); correct the file") from None
    parts = {
        f"rule.{k}": f"rule {k + 1}" + (f" ({row['concept']})" if isinstance(row, dict) and "concept" in row else "")
        for k, row in enumerate(raw["rule"] if isinstance(raw.get("rule"), list) else ())
    }
    try:
        return GateConfig.model_validate(raw)
    except ValidationError as error:
        raise ConfigError(f"{path}: {explain(error, GateConfig, parts)}") from None


def meant(config: GateConfig, audit: Audit, where: str) -> list[list[str]]:
    """The concepts that each rule speaks of, in the order of the rules.

    Raises:
        ConfigError: a rule speaks of no concept of the audit; names the nearest.
    """
    titles = {c.id: c.title for c in audit.concepts}
    found: list[list[str]] = []
    for k, rule in enumerate(config.rule):
        concepts = _matching(rule.concept, list(titles))
        if not concepts:
            raise unknown_name("concept", rule.concept, titles, hint=f"(rule {k + 1} in {where})", labels=titles)
        found.append(concepts)
    return found


def _matching(pattern: str, names: Sequence[str]) -> list[str]:
    return [pattern] if pattern in names else [n for n in names if fnmatch.fnmatchcase(n, pattern)]


def line_of_rule(path: Path, number: int) -> int:
    """The line of the n-th `[[rule]]` in the file, from 1; 1 of none (0), and where it is written in another way."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError:
        return 1
    at = [i for i, line in enumerate(lines, 1) if line.split("#")[0].strip().replace(" ", "") == "[[rule]]"]
    return at[number - 1] if 1 <= number <= len(at) else 1
