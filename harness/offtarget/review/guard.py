"""Who may talk to the server: this machine's own page alone.

Any page that a browser has open can send requests to a port of the same machine. So the name that was asked for must be
known (against names that are made to point here), the request must come from the page itself, and it must hold a cookie
that only somebody with the token can have.
"""

import hmac
import ipaddress
import secrets
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from offtarget.errors import ConfigError

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
FOREIGN = frozenset({"cross-site", "same-site"})
"""Values of Sec-Fetch-Site of requests that another page made."""
SESSION = "/api/session"


def new_token() -> str:
    """A new token, or what a cookie holds."""
    return secrets.token_urlsafe(24)


@dataclass(frozen=True)
class Guard:
    """Which names, which pages and which token the server takes."""

    host: str
    port: int
    token: str | None = field(default_factory=new_token)
    """None asks for none, which only a server of this machine alone may do."""
    trusted_hosts: tuple[str, ...] = ()
    """More names that it may be asked by, with a port or without."""
    trusted_origins: tuple[str, ...] = ()
    """More pages that may ask, such as https://proxy.example."""
    session: str = field(default_factory=new_token)
    """What the cookie holds."""

    def __post_init__(self) -> None:
        if not self.token and not is_loopback(self.host):
            raise ConfigError(
                f"--host {self.host}: other machines could decide here; set OFFTARGET_REVIEW_TOKEN to a token of your own, or "
                "leave the variable away for one that is made up"
            )
        try:
            (self.token or "").encode()
        except UnicodeEncodeError:
            raise ConfigError("OFFTARGET_REVIEW_TOKEN is not text in UTF-8; set it to another token") from None
        for origin in self.trusted_origins:
            parts = urlsplit(origin)
            if parts.scheme not in ("http", "https") or not parts.netloc or parts.path.strip("/"):
                raise ConfigError(f"--trusted-origin {origin}: write it as https://name or http://name:port")

    @property
    def cookie(self) -> str:
        """The name of the cookie; servers on other ports of the machine have their own."""
        return f"offtarget_review_{self.port}"

    @property
    def hosts(self) -> frozenset[str]:
        """What the Host header may be."""
        own = {self.host} if not _any(self.host) else set()
        if is_loopback(self.host) or _any(self.host):
            own |= {"127.0.0.1", "localhost", "::1"}
        named = {f"{_bracketed(name)}:{self.port}" for name in own}
        if self.port == 80:
            named |= {_bracketed(name) for name in own}
        for name in self.trusted_hosts:
            named |= {name.lower(), f"{name.lower()}:{self.port}"}
        return frozenset(named)

    @property
    def origins(self) -> frozenset[str]:
        """What the Origin header may be."""
        return frozenset(
            {f"http://{host}" for host in self.hosts} | {o.rstrip("/").lower() for o in self.trusted_origins}
        )

    def refusal(self, headers: Headers, path: str) -> tuple[int, str] | None:
        """Why a request is not answered: the status and a line; None where it is."""
        host = headers.get("host", "").lower()
        if host not in self.hosts:
            return 400, f"this server is not asked by the name '{host[:100]}'; start it with --trusted-host NAME"
        if headers.get("sec-fetch-site", "").lower() in FOREIGN:
            return 403, "another page asked; open the address that the command printed"
        origin = headers.get("origin")
        if origin is not None and origin.lower() not in self.origins:
            return 403, f"a page of {origin[:100]} asked; start the server with --trusted-origin if it may"
        if not path.startswith("/api/") or path == SESSION or not self.token:
            return None
        given = cookie_parser(headers.get("cookie", "")).get(self.cookie, "")
        if not hmac.compare_digest(given.encode(), self.session.encode()):
            return 401, "open the address that the command printed: it holds the token"
        return None

    def opens(self, token: str) -> bool:
        """Whether a token is the right one."""
        return not self.token or hmac.compare_digest(token.encode(), self.token.encode())


class Guarded:
    """Middleware that refuses what its guard refuses, and says to browsers what the page may do."""

    def __init__(self, app: ASGIApp, guard: Guard) -> None:
        self.app, self.guard = app, guard

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        if scope["type"] != "http":
            return
        refused = self.guard.refusal(Headers(scope=scope), scope["path"])

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["Content-Security-Policy"] = POLICY
                headers["X-Content-Type-Options"] = "nosniff"
                headers["Referrer-Policy"] = "no-referrer"
                headers["Cache-Control"] = "no-store"
                headers["Cross-Origin-Resource-Policy"] = "same-origin"
                headers["Cross-Origin-Opener-Policy"] = "same-origin"
            await send(message)

        app = self.app if refused is None else JSONResponse({"error": refused[1]}, refused[0])
        await app(scope, receive, answer)


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches a host."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _any(host: str) -> bool:
    """Whether it stands for all addresses of the machine."""
    return host in ("", "0.0.0.0", "::")  # noqa: S104


def _bracketed(host: str) -> str:
    return (f"[{host}]" if ":" in host else host).lower()
