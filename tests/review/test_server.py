"""Only the page itself may ask: names, pages, tokens and sizes that are refused."""

import json
import socket

import pytest
from starlette.testclient import TestClient

from offtarget.cli.main import call
from offtarget.errors import ConfigError
from offtarget.review.desk import Desk
from offtarget.review.guard import Guard
from offtarget.review.keys import KEYS
from offtarget.review.server import Review, address, app, bound
from offtarget.store import Store

OWN = "http://127.0.0.1:8765"
BOLD = "overall|surface:bold|"


@pytest.fixture()
def served(folder):
    desk = Desk(folder, by="ann")
    guard = Guard("127.0.0.1", 8765, token="secret")
    with TestClient(app(Review(desk, Store(), KEYS), guard), base_url=OWN) as client:
        yield client
    desk.close()


@pytest.fixture()
def inside(served):
    assert served.post("/api/session", json={"token": "secret"}).status_code == 200
    return served


def test_the_cookie_is_strict_and_out_of_reach_of_scripts(served):
    said = served.post("/api/session", json={"token": "secret"}).headers["set-cookie"].lower()
    assert (
        "offtarget_review_8765=" in said and "httponly" in said and "samesite=strict" in said and "secret" not in said
    )


def test_without_the_token_nothing_is_answered(served):
    assert served.get("/").status_code == 200 and "secret" not in served.get("/").text
    for path in ("/api/list", "/api/card?id=x", "/api/consequences"):
        assert served.get(path).status_code == 401
    assert served.post("/api/session", json={"token": "guess"}).status_code == 403
    assert served.post("/api/decide", json={"ids": [BOLD], "decision": "allow"}).status_code == 401


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"origin": OWN, "sec-fetch-site": "same-origin"}, 200),
        ({"origin": "http://localhost:8765"}, 200),
        ({"sec-fetch-site": "none"}, 200),
        ({"origin": "http://127.0.0.1:9999"}, 403),
        ({"origin": "https://127.0.0.1:8765"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "https://evil.example"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"origin": OWN, "sec-fetch-site": "cross-site"}, 403),
        ({"host": "evil.example:8765"}, 400),
        ({"host": "127.0.0.1"}, 400),
        ({"host": "localhost:8765"}, 200),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_who_may_ask(inside, headers, status, method):
    cookie = {"cookie": f"offtarget_review_8765={inside.cookies['offtarget_review_8765']}"}
    path = "/api/list" if method == "GET" else "/api/undo"
    answer = inside.request(method, path, headers={**cookie, **headers}, json={} if method == "POST" else None)
    assert answer.status_code == status
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    if status != 200:
        assert set(answer.json()) == {"error"}


def test_trusted_names_and_pages_may_ask_too(folder):
    desk = Desk(folder)
    guard = Guard(
        "127.0.0.1", 8765, token=None, trusted_hosts=("proxy.example",), trusted_origins=("https://proxy.example",)
    )
    with TestClient(app(Review(desk, Store(), KEYS), guard), base_url="http://proxy.example") as client:
        assert client.get("/api/list", headers={"origin": "https://proxy.example"}).status_code == 200
        assert client.get("/api/list", headers={"origin": "https://other.example"}).status_code == 403
    desk.close()


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.4", "::", "example.org"])
def test_a_server_that_others_reach_needs_a_token(host):
    with pytest.raises(ConfigError, match="other machines could decide here"):
        Guard(host, 1, token=None)
    assert Guard(host, 1, token="t").opens("t") and not Guard(host, 1, token="t").opens("")


@pytest.mark.parametrize("beside", ['"x', "a=b; c=d,e", "=;;", "[]=1", "a=b; offtarget_review_1=é"])
def test_cookies_of_others_do_not_shut_the_page_out(inside, beside):
    own = f"offtarget_review_8765={inside.cookies['offtarget_review_8765']}"
    for text in (f"{own}; {beside}", f"{beside}; {own}"):
        assert inside.get("/api/list", headers={"cookie": text.encode("latin-1")}).status_code == 200
    assert inside.get("/api/list", headers={"cookie": beside.encode("latin-1")}).status_code == 401


def test_the_token_is_in_the_fragment_alone():
    assert address(Guard("::1", 8765, token="a b&c=#+é")) == "http://[::1]:8765/#token=a%20b%26c%3D%23%2B%C3%A9"
    assert address(Guard("::1", 8765, token="t")) == "http://[::1]:8765/#token=t"
    assert address(Guard("127.0.0.1", 8765, token=None)) == "http://127.0.0.1:8765/"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"ids": [], "decision": "allow"}, "ids"),
        ({"ids": ["overall|surface:blod|"], "decision": "allow"}, "did you mean overall|surface:bold|"),
        ({"ids": [BOLD], "decision": "remove"}, "decision"),
        ({"ids": [BOLD], "decision": "allow", "scope": "x"}, "scope"),
        ({"ids": [BOLD], "decision": "suppress", "strength": 0}, "above 0"),
        ({"ids": [BOLD], "decision": "suppress", "until": "tomorrow"}, "YYYY-MM-DD"),
    ],
)
def test_a_wrong_decision_is_one_line_and_changes_nothing(inside, body, said):
    answer = inside.post("/api/decide", json=body)
    assert answer.status_code == 400 and said in answer.json()["error"] and "\n" not in answer.json()["error"]
    assert not [i for i in inside.get("/api/list").json()["items"] if i["decision"]]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/decide", {"ids": ["\ud800"], "decision": "allow"}),
        ("/api/decide", {"ids": [BOLD], "decision": "allow", "why": "half \ud83d of it"}),
        ("/api/decide", {"ids": [BOLD], "decision": "allow", "strength": 10**400}),
        ("/api/decide", {"ids": [BOLD], "decision": "allow", "why": ["x"]}),
        ("/api/decide", "[" * 100_000),
        ("/api/decide", '{"ids": ["x"], "decision": "allow", "strength": NaN}'),
        ("/api/resolve", {"id": "\ud800", "take": "B"}),
        ("/api/resolve", {"id": [1], "take": "B"}),
        ("/api/look", {"prompt": "", "chosen": "a\udfff", "rejected": "b"}),
        ("/api/look", {"prompt": "", "chosen": {"a": 1}, "rejected": "b"}),
        ("/api/session", {"token": "\ud800"}),
        ("/api/session", {"token": ["secret"]}),
        ("/api/card?id=overall|surface:bold|&from=²", None),
        ("/api/card?id=overall|surface:bold|&from=" + "9" * 5000, None),
        ("/api/card?id=%ED%A0%80", None),
        ("/api/consequences?strength=²", None),
        ("/api/consequences?strength=" + "9" * 5000, None),
        ("/api/consequences?strength=nan", None),
    ],
)
def test_what_no_page_sends_is_one_line(inside, path, body):
    inside.post("/api/decide", json={"ids": [BOLD], "decision": "suppress"})
    text = body if isinstance(body, str) else json.dumps(body)
    sent = {} if body is None else {"content": text, "headers": {"content-type": "application/json"}}
    answer = inside.request("GET" if body is None else "POST", path, **sent)
    said = answer.json()
    if path.startswith("/api/consequences") and answer.status_code == 200:
        assert said["weights"] is None and said["notes"], "a strength that this protocol cannot have"
        return
    assert 400 <= answer.status_code < 500 and "\n" not in said["error"]


def test_what_is_no_json_or_too_much_is_refused(inside):
    assert (
        inside.post("/api/undo", content=b"x" * (2**20 + 1), headers={"content-type": "application/json"}).status_code
        == 400
    )
    assert inside.post("/api/undo", content=b"{", headers={"content-type": "application/json"}).status_code == 400
    assert inside.post("/api/undo", content=b"{}", headers={"content-type": "text/plain"}).status_code == 400


def test_decide_and_undo_over_the_wire(inside):
    done = inside.post("/api/decide", json={"ids": [BOLD], "decision": "suppress", "why": "no"}).json()
    assert done["undo"] == 1
    assert {i["id"]: i["queue"] for i in done["changed"]}[BOLD] == "decided"
    back = inside.post("/api/undo", json={}).json()
    assert [(place["id"], place["label"]) for place in back["undone"]] == [(BOLD, "bold text")]
    assert inside.post("/api/undo", json={}).json()["undone"] == []
    assert back["undo"] == 0 and {i["id"]: i["queue"] for i in back["changed"]}[BOLD] == "undecided"


def test_a_port_in_use_is_one_line(folder, capsys):
    with bound("127.0.0.1", 0) as busy:
        port = busy.getsockname()[1]
        assert call(["review", str(folder.path), "--port", str(port), "--no-browser"]) == 2
    err = capsys.readouterr().err
    assert f"port {port} of 127.0.0.1 cannot be used" in err and "--port" in err and err.count("\n") == 1


def test_no_audit_and_no_token_are_one_line(tmp_path, folder, capsys, monkeypatch):
    assert call(["review", str(tmp_path / "none"), "--no-browser"]) == 2
    monkeypatch.setenv("OFFTARGET_REVIEW_TOKEN", "")
    assert call(["review", str(folder.path), "--host", "0.0.0.0", "--port", "0", "--no-browser"]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2 and "no audit to read" in lines[0] and "other machines could decide" in lines[1]


def test_a_page_that_only_reads_is_not_said_to_save(folder, capsys, monkeypatch):
    monkeypatch.setattr("offtarget.review.server.serve", lambda *_: None)
    ask = ["review", str(folder.path), "--port", "0", "--no-browser"]
    assert call(ask) == 0 and "saved at every decision in" in capsys.readouterr().err
    first = Desk(folder)
    assert call(ask) == 0
    first.close()
    err = capsys.readouterr().err
    assert "only reads" in err and "saved" not in err


def test_a_free_port_is_taken():
    with bound("127.0.0.1", 0) as listening:
        assert listening.getsockname()[1] > 0 and isinstance(listening, socket.socket)
