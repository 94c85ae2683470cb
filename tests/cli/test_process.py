"""What a process bears: signals, terminals of other encodings, users without a home, plotting settings of others."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from offtarget.cli.main import call
from offtarget.cli.signals import GRACE

ROWS = [
    {"prompt": f"Question {i}?", "chosen": f"A **bold** answer {i}.", "rejected": f"A plain answer {i}."}
    for i in range(60)
]
SLOW = """
import sys, time
import offtarget.cli.main

def busy() -> None:
    {body}

cli = sys.modules["offtarget.cli.main"]
cli.app.registered_commands = [c for c in cli.app.registered_commands if c.name != "why"]
cli.app.command("why")(busy)
cli.main(["why"])
"""
BODIES = {  # none ends by itself
    "python": "print('begun', flush=True); [time.sleep(0.01) for _ in iter(int, 1)]",
    # one call of C code, a quarter of an hour and more, during which Python runs no handler
    "library": "h = __import__('hashlib'); print('begun', flush=True); h.pbkdf2_hmac('sha256', b'x', b'y', 2_000_000_000)",
    # Python wraps what comes out of `__set_name__` in a RuntimeError, and ends by SIGINT after an interrupted `exec` of text
    "wrapped": "D = type('D', (), dict(__set_name__=lambda *_: (print('begun', flush=True), time.sleep(900)))); "
    "exec('class X: x = D()', dict(D=D))",
    "waiting": "print('begun', flush=True); __import__('threading').Event().wait()",
}


def offtarget(*argv: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "offtarget", *argv], capture_output=True, env={**os.environ, **environment}, check=False
    )


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("body", list(BODIES))
def test_a_signal_ends_a_process_whatever_it_is_doing(number: signal.Signals, code: int, body: str) -> None:
    # how soon depends on who else wants the cores: `tests/bench/bench_kills.py` measures it
    source = SLOW.format(body=BODIES[body])
    with subprocess.Popen(
        [sys.executable, "-c", source], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        try:
            assert process.stdout.readline() == "begun\n"
            process.send_signal(number)
            assert process.wait() == code
        finally:
            process.kill()
        said = process.stderr.read()
    assert "offtarget: interrupted; what was finished is kept" in said
    assert "Traceback" not in said


def test_a_library_call_has_a_few_seconds_to_end_by_itself() -> None:
    assert GRACE <= 3


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_terminal_of_another_encoding_gets_what_it_can_show(encoding: str) -> None:
    for argv in (["--help"], ["list"], ["show", "planted_traits"]):
        done = offtarget(*argv, PYTHONIOENCODING=encoding)
        assert (done.returncode, done.stderr) == (0, b"")
        assert encoding == "ascii" or done.stdout.decode(encoding)


DRAWING = """
from offtarget.report.plots.effects import Interval, forest
print(forest([Interval("bold", 0.4, (0.2, 0.6), tone="up", faint=False)], name="f", x_label="d $x$", alt="one"))
"""


def test_settings_of_others_for_plots_are_not_ours(tmp_path: Path) -> None:
    plain, odd = tmp_path / "plain", tmp_path / "odd"
    for folder in (plain, odd):
        folder.mkdir()
    (odd / "matplotlibrc").write_text("text.usetex: True\nbackend: nope\nfont.size: 40\n")
    shown = [
        subprocess.run(
            [sys.executable, "-c", DRAWING], cwd=folder, env=environment, capture_output=True, check=True
        ).stdout
        for folder, environment in ((plain, {**os.environ}), (odd, {**os.environ, "MPLBACKEND": "nope"}))
    ]
    assert shown[0] == shown[1] and b"<svg" in shown[0]


def test_a_user_without_a_home_is_told_what_to_set(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def nobody() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("OFFTARGET_HOME", raising=False)
    monkeypatch.setattr(Path, "home", nobody)
    assert call(["eval", "smollm2-135m", "--behaviours", "verbosity"]) == 2
    assert "set OFFTARGET_HOME" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("raise SystemExit(0)", "SystemExit: 0"),
        ("exit(7)", "SystemExit: 7"),
        ("raise GeneratorExit", "GeneratorExit"),
        ("raise BaseException('odd')", "BaseException: odd"),
    ],
)
@pytest.mark.parametrize("when", ["loaded", "called"])
def test_a_content_file_does_not_decide_how_the_process_ends(
    tmp_path: Path, store_home: Path, capsys: pytest.CaptureFixture[str], text: str, says: str, when: str
) -> None:
    assert call(plan_of(tmp_path, text, when)) == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("offtarget: ") and "odd.py" in last and says in last


def test_a_content_file_that_closes_standard_output_does_not_silence_us(tmp_path: Path, store_home: Path) -> None:
    argv = plan_of(
        tmp_path, "__import__('sys').stdout.close(); __import__('sys').stderr.close(); raise SystemExit(0)", "called"
    )
    done = offtarget(*argv)
    assert done.returncode == 2
    assert b"odd.py" in done.stderr.splitlines()[-1]


def plan_of(folder: Path, text: str, when: str) -> list[str]:
    """The command that plans with a protocol which does `text` when its file is loaded, or when it is called."""
    (folder / "baselines").mkdir()
    (folder / "baselines" / "odd.py").write_text(
        "from offtarget.shaping.protocol import protocol\n"
        f"{text if when == 'loaded' else ''}\n"
        "@protocol(name='odd', family='data', source='x', needs_concept=False)\n"
        f"def odd(ctx):\n    {text if when == 'called' else 'return None'}\n"
    )
    data = folder / "good.jsonl"
    data.write_text("".join(json.dumps(r) + "\n" for r in ROWS))
    return ["--registry", str(folder), "plan", str(data), "--protocol", "odd"]


@pytest.mark.parametrize("closed", ["1", "2", "1 2"])
def test_closed_streams_are_no_error(tmp_path: Path, closed: str) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text("".join(json.dumps(r) + "\n" for r in ROWS))
    shut = " ".join(f"{n}>&-" for n in closed.split())
    ran = subprocess.run(
        ["/bin/sh", "-c", f'"$0" -m offtarget data check "$1" {shut}', sys.executable, str(rows)],
        capture_output=True,
        check=False,
    )
    assert ran.returncode == 0
    assert b"Traceback" not in ran.stderr
