"""The page's server: JSON of the desk, the cards and the plans, for one page on one machine."""

import json
import re
import socket
import threading
from collections.abc import Callable, Mapping
from typing import Any, get_args
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from offtarget.audit.folder import AuditFolder
from offtarget.documents import parse_json
from offtarget.errors import ConfigError, OfftargetError, UndecidedError
from offtarget.review.cards import Cards
from offtarget.review.consequences import Consequences, offers
from offtarget.review.desk import Desk, Scope
from offtarget.review.guard import Guard, Guarded
from offtarget.review.page import script, shell, style
from offtarget.review.paste import look
from offtarget.review.shards import shards
from offtarget.store import Store
from offtarget.verdicts import Decision

MAX_BODY = 2**20
Json = dict[str, Any]


class Review:
    """One audit on one page: what its addresses answer.

    Args:
        desk: the audit and what is decided.
        store: where what the page needs of the rows is kept.
        keys: of the page.
    """

    def __init__(self, desk: Desk, store: Store, keys: Mapping[str, str]) -> None:
        self.desk, self.store, self.keys = desk, store, keys
        self.folder: AuditFolder = desk.folder
        self.cards = Cards(desk, shards(desk.folder, store))
        self.consequences = Consequences(desk.folder, store)
        self._one = threading.Lock()
        self._plan = threading.Lock()

    def listed(self, query: Mapping[str, str], _: Json) -> Json:
        """The list, and what the page must know beside it."""
        with self._one:
            page = self.cards.page(everything=query.get("all") == "1")
        protocols = [{"name": o.name, "about": o.about, "strength": o.strength, "unit": o.unit} for o in offers()]
        return {**page, "keys": dict(self.keys), "protocols": protocols}

    def card(self, query: Mapping[str, str], _: Json) -> Json:
        """One card."""
        start = query.get("from", "0")
        if not re.fullmatch("[0-9]{1,9}", start):
            raise ConfigError("from: give a whole number of at most nine digits")
        with self._one:
            return self.cards.card(query.get("id", ""), int(start))

    def decide(self, _: Mapping[str, str], body: Json) -> Json:
        """Decide on some hypotheses; saved before it is answered."""
        ids: Any = body.get("ids")
        decision: Any = body.get("decision")
        scope: Any = body.get("scope", "everywhere")
        strength, why, until = body.get("strength", 1.0), _text(body, "why"), body.get("until")
        if not isinstance(ids, list) or not ids or not all(isinstance(i, str) for i in ids):
            raise ConfigError("ids: give a list of hypotheses")
        if decision not in get_args(Decision):
            raise ConfigError(f"decision: give one of {', '.join(get_args(Decision))}")
        if scope not in get_args(Scope):
            raise ConfigError(f"scope: give one of {', '.join(get_args(Scope))}")
        if not isinstance(strength, int | float) or isinstance(strength, bool):
            raise ConfigError("strength: give a number")
        with self._one:
            changed = self.desk.decide(
                ids, decision, scope=scope, strength=float(strength), why=why, until=until or None
            )
            return self._after(changed)

    def undo(self, _: Mapping[str, str], __: Json) -> Json:
        """Take the last decision back; `undone` names all that was decided together."""
        with self._one:
            places = self.desk.undo()
            changed = self.desk.of_concepts({concept for concept, _ in places})
            return {**self._after(changed), "undone": [self.cards.place(p) for p in places]}

    def resolve(self, _: Mapping[str, str], body: Json) -> Json:
        """Settle a conflict of a merge."""
        with self._one:
            return self._after(self.desk.resolve(_text(body, "id"), _text(body, "take")))

    def _after(self, changed: list[str]) -> Json:
        return {
            "changed": self.cards.items(changed),
            "undo": self.desk.undoes(),
            "merge": [self.cards.conflict(c) for c in self.desk.conflicts()],
        }

    def plan(self, query: Mapping[str, str], _: Json) -> Json:
        """What the decisions would do."""
        text = query.get("strength", "")
        try:
            strength = float(text) if text else None
        except ValueError:
            raise ConfigError(f"strength '{text[:40]}': give a number") from None
        with self._one:
            verdicts = self.desk.file.read()
        with self._plan:  # a long one does not hold up decisions
            return self.consequences.of(verdicts, query.get("protocol", "reward_shaping"), strength)

    def look(self, _: Mapping[str, str], body: Json) -> Json:
        """Which concepts fire in a pair."""
        prompt, chosen, rejected = (_text(body, name) for name in ("prompt", "chosen", "rejected"))
        with self._plan:
            return look(self.folder, self.store, prompt, chosen, rejected)


def app(review: Review, guard: Guard) -> Starlette:
    """The application behind its guard."""

    async def session(request: Request) -> Response:
        body = await _body(request)
        if not guard.opens(_text(body, "token")):
            return JSONResponse({"error": "a wrong token: open the address that the command printed last"}, 403)
        out = JSONResponse({"ok": True})
        out.set_cookie(guard.cookie, guard.session, httponly=True, samesite="strict", path="/")
        return out

    async def page(_: Request) -> Response:
        return Response(shell(), media_type="text/html")

    async def css(_: Request) -> Response:
        return Response(style(), media_type="text/css")

    async def js(_: Request) -> Response:
        return Response(script(), media_type="text/javascript")

    get, post = ["GET"], ["POST"]
    return Starlette(
        routes=[
            Route("/", page, methods=get),
            Route("/static/review.css", css, methods=get),
            Route("/static/review.js", js, methods=get),
            Route("/api/session", _said(session), methods=post),
            Route("/api/list", _json(review.listed), methods=get),
            Route("/api/card", _json(review.card), methods=get),
            Route("/api/consequences", _json(review.plan), methods=get),
            Route("/api/decide", _json(review.decide), methods=post),
            Route("/api/undo", _json(review.undo), methods=post),
            Route("/api/resolve", _json(review.resolve), methods=post),
            Route("/api/look", _json(review.look), methods=post),
        ],
        middleware=[Middleware(Guarded, guard=guard)],
    )


def _json(answer: Callable[[Mapping[str, str], Json], Json]) -> Callable[[Request], Any]:
    async def endpoint(request: Request) -> Response:
        body = await _body(request) if request.method == "POST" else {}
        return JSONResponse(await run_in_threadpool(answer, request.query_params, body))

    return _said(endpoint)


def _said(endpoint: Callable[[Request], Any]) -> Callable[[Request], Any]:
    """Errors as one line of JSON."""

    async def safe(request: Request) -> Response:
        try:
            found: Response = await endpoint(request)
            return found
        except OfftargetError as error:
            return JSONResponse({"error": str(error)}, 409 if isinstance(error, UndecidedError) else 400)
        except OSError as error:
            return JSONResponse({"error": f"cannot be saved: {error.strerror or error}"}, 500)

    return safe


async def _body(request: Request) -> Json:
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise ConfigError("send JSON (content-type application/json)")
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > MAX_BODY:
            raise ConfigError(f"more than {MAX_BODY // 2**20} MB was sent")
        parts.append(part)
    found = parse_json(b"".join(parts) or b"{}", "the request")
    if not isinstance(found, dict):
        raise ConfigError("send a JSON object")
    try:
        json.dumps(found, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise ConfigError("a text holds half a character (a lone surrogate); send whole ones") from None
    return found


def _text(body: Json, name: str) -> str:
    found = body.get(name, "")
    if not isinstance(found, str):
        raise ConfigError(f"{name}: give text")
    return found


def bound(host: str, port: int) -> socket.socket:
    """A socket that listens.

    Args:
        host: name or address.
        port: 0 takes any that is free.

    Raises:
        ConfigError: the port is in use, or the host is none of this machine.
    """
    found = None
    try:
        infos = socket.getaddrinfo(host or "0.0.0.0", port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)  # noqa: S104
        family, kind, proto, _, address = infos[0]
        found = socket.socket(family, kind, proto)
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind(address)
        found.listen(128)
    except OSError as error:
        if found is not None:
            found.close()
        if port:
            raise ConfigError(
                f"port {port} of {host} cannot be used ({error.strerror or error}); give another with --port, or --port 0 for "
                "any that is free"
            ) from None
        raise ConfigError(f"--host {host}: {error.strerror or error}") from None
    return found


def serve(application: Starlette, listening: socket.socket) -> None:
    """Answer until somebody interrupts."""
    import uvicorn

    config = uvicorn.Config(
        application,
        log_level="error",
        access_log=False,
        lifespan="off",
        server_header=False,
        timeout_graceful_shutdown=2,
    )
    uvicorn.Server(config).run(sockets=[listening])


def address(guard: Guard) -> str:
    """The address to open, with the token in its fragment, which no request holds."""
    host = guard.host if guard.host not in ("", "0.0.0.0", "::") else "127.0.0.1"  # noqa: S104
    name = f"[{host}]" if ":" in host else host
    return f"http://{name}:{guard.port}/" + (f"#token={quote(guard.token, safe='')}" if guard.token else "")
