"""What strangers say about themselves never arrives; what trusted proxies say does."""

from __future__ import annotations

import pytest

from tests.unit.utils.asgi_calls import Witness, called
from utils.identity_headers import IdentityHeaders, is_claimed

CLAIMS = [
    "X-Forwarded-User", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "Forwarded",
    "Remote-User", "REMOTE_USER", "X_Forwarded_User", "X-Remote-User", "X-Real-IP", "X-User",
    "X-Auth-Request-Email", "X-Forwarded-Email", "X-Forwarded-Groups", "CF-Access-Jwt-Assertion",
    "CF-Connecting-IP", "True-Client-IP", "X-Webauth-User", "X-Authentik-Username", "X-SSL-Client-DN",
    "X-Goog-Authenticated-User-Email", "X-MS-Client-Principal", "X-Amzn-Oidc-Identity",
    "Shiny-Server-Credentials", "RStudio-Connect-Credentials", "Tailscale-User-Login",
    "X-Original-URL", "X-HTTP-Method-Override",
]  # fmt: skip
KEPT = ["host", "origin", "user-agent", "accept", "cookie", "authorization", "content-length",
        "content-type", "sec-websocket-key", "upgrade", "connection", "x-requested-with"]  # fmt: skip


def arrived(headers: list[tuple[str, str]], hops: int, peer: str = "10.0.0.1"):
    inside = Witness()
    called(IdentityHeaders(inside, hops=hops), "GET", "/", headers, client=(peer, 1))
    return inside.scopes[0]


@pytest.mark.parametrize("hops", [0, 2])
@pytest.mark.parametrize("name", CLAIMS)
def test_a_claim_is_removed(name: str, hops: int) -> None:
    assert is_claimed(name.encode())
    assert arrived([(name, "root"), ("host", "h")], hops)["headers"] == [(b"host", b"h")]


@pytest.mark.parametrize("name", KEPT)
def test_other_headers_stay(name: str) -> None:
    assert arrived([(name, "v")], 0)["headers"] == [(name.encode(), b"v")]


@pytest.mark.parametrize(
    ("hops", "chain", "address"),
    [
        (0, "1.1.1.1", "10.0.0.1"),
        (1, "1.1.1.1, 2.2.2.2", "2.2.2.2"),
        (2, "1.1.1.1, 2.2.2.2, 3.3.3.3", "2.2.2.2"),
        (3, "1.1.1.1", "10.0.0.1"),
        (1, "not an address", "unknown"),
        (1, "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        (1, "::ffff:9.9.9.9", "9.9.9.9"),
    ],
)
def test_the_address_is_that_of_the_outermost_trusted_proxy(
    hops: int, chain: str, address: str
) -> None:
    assert arrived([("x-forwarded-for", chain)], hops)["client"][0] == address


def test_several_lines_are_one_list() -> None:
    headers = [("x-forwarded-for", "6.6.6.6"), ("x-forwarded-for", "7.7.7.7")]
    assert arrived(headers, 1)["client"][0] == "7.7.7.7"


def test_https_is_believed_from_proxies_only() -> None:
    claim = [("x-forwarded-proto", "https")]
    assert arrived(claim, 0)["scheme"] == "http"
    assert arrived(claim, 1)["scheme"] == "https"
