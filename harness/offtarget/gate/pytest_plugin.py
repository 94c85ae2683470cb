"""A pytest plug-in: a collected offtarget.toml is one test item a rule, and one for the decisions and the baseline.

    @pytest.mark.offtarget_gate("audits/drop", verdicts="verdicts.yaml")
    def test_data(offtarget_report): ...

The mark gates the audit (or dataset) before the test, which fails where the gate does; `offtarget_report` is the report.
`pytest offtarget.toml` (or `--offtarget-gate`, for every offtarget.toml below the folders that are collected) gates the `data`
that the file names.
"""

from collections.abc import Iterator
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from offtarget.gate.records import GateReport

CONFIG = "offtarget.toml"
MARK = "offtarget_gate"


def pytest_addoption(parser: Any) -> None:
    """The option that collects offtarget.toml below folders too."""
    parser.addoption("--offtarget-gate", action="store_true", help="collect every offtarget.toml as tests of its data")


def pytest_configure(config: Any) -> None:
    """The mark, so that strict marks know it."""
    config.addinivalue_line("markers", f"{MARK}(data, **criteria): the data passes `offtarget gate`")


def pytest_collect_file(file_path: Path, parent: Any) -> Any:
    """An offtarget.toml that was named, or any with --offtarget-gate."""
    if file_path.name != CONFIG:
        return None
    named = any(Path(str(a).split("::")[0]).name == CONFIG for a in parent.config.args)
    return GateFile.from_parent(parent, path=file_path) if named or parent.config.option.offtarget_gate else None


class GateFile(pytest.File):
    """One offtarget.toml."""

    def collect(self) -> Iterator[Any]:
        """A test for each rule, and one for decisions and baseline where there are any."""
        from offtarget.errors import OfftargetError
        from offtarget.gate.criteria import criteria_of

        try:
            criteria = criteria_of(self.path, None, None)
        except OfftargetError as error:
            raise self.CollectError(str(error)) from None
        if criteria.baseline or criteria.verdicts or not criteria.config.rule:
            yield GateItem.from_parent(self, name="findings", rule=None)
        for k, rule in enumerate(criteria.config.rule, 1):
            yield GateItem.from_parent(self, name=f"rule {k}: {rule.concept}", rule=k)

    def reports(self) -> "tuple[GateReport, ...]":
        """What the gate says of each drop, found once; also that it cannot."""
        from offtarget.errors import OfftargetError
        from offtarget.gate.here import gate_config

        if not hasattr(self, "_said"):
            try:
                self._said: tuple[GateReport, ...] | OfftargetError = gate_config(self.path)
            except OfftargetError as error:
                self._said = error
        if isinstance(self._said, OfftargetError):
            raise self._said
        return self._said


class GateItem(pytest.Item):
    """One rule of an offtarget.toml, or its decisions and baseline."""

    def __init__(self, *, rule: int | None, **more: Any) -> None:
        super().__init__(**more)
        self.rule = rule

    def runtest(self) -> None:
        """Fail where the gate does, or cannot decide."""
        assert isinstance(self.parent, GateFile)
        said = [text for report in self.parent.reports() if (text := self._failed(report))]
        if said:
            raise GateFailed("\n".join(said))

    def _failed(self, report: "GateReport") -> str:
        """What fails in one drop, a line each with its command; empty where nothing does."""
        mine = [o for o in report.of("error", "undecided") if o.rule == self.rule]
        if mine:
            lines = [f"{o.status}: {o.label}: {o.message}\n  {o.command}" for o in mine]
            return "\n".join([f"{report.dataset}:", *lines, *([f"decide: {report.decide}"] if report.decide else [])])
        if self.rule is None and report.result == "undecided" and not report.of("undecided"):
            return "\n".join([f"{report.dataset}: the gate could not decide", *report.notes])
        return ""

    def repr_failure(self, excinfo: Any, style: Any = None) -> Any:
        """The lines alone, without a traceback."""
        from offtarget.errors import OfftargetError

        if isinstance(excinfo.value, GateFailed | OfftargetError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Any, int | None, str]:
        """Where it is: the line of the rule."""
        from offtarget.gate.config import line_of_rule

        return self.path, line_of_rule(self.path, self.rule or 0) - 1, self.name


class GateFailed(Exception):  # noqa: N818 - what a person reads
    """What failed, a line each."""


@pytest.fixture()
def offtarget_report(request: Any) -> "GateReport | None":
    """The report of the gate that the mark of a test asks for."""
    return _marked(request.node)


def pytest_runtest_setup(item: Any) -> None:
    """Gate what the mark names; the test fails where it does."""
    report = _marked(item)
    if report is not None and report.exit_code:
        from offtarget.gate.formats.table import render

        pytest.fail(render(report, None), pytrace=False)  # type: ignore[arg-type]


def _marked(item: Any) -> "GateReport | None":
    mark = item.get_closest_marker(MARK)
    if mark is None:
        return None
    if not hasattr(item, "_offtarget_report"):
        said = _judged(*mark.args, **mark.kwargs)
        if isinstance(said, str):  # here, so that what it was raised by is not printed too
            pytest.fail(said, pytrace=False)
        item._offtarget_report = said
    return item._offtarget_report  # type: ignore[no-any-return]


def _judged(*args: Any, **kwargs: Any) -> "GateReport | str":
    """The report, or in one line why there is none."""
    from offtarget.errors import OfftargetError
    from offtarget.gate.here import gate_here

    try:
        signature(gate_here).bind(*args, **kwargs)
    except TypeError as error:
        return f"@pytest.mark.{MARK}: {error}; write the data first, then options by name"
    try:
        return gate_here(*args, **kwargs)
    except OfftargetError as error:
        return str(error)
