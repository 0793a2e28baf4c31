"""The order of the layers, in one expression: auth > retry > budget > wire."""

import ssl

import httpx

from salesloft_mcp.transport.budget import Budget, BudgetLayer, Lane
from salesloft_mcp.transport.retry import RetryLayer

TIMEOUT = httpx.Timeout(10.0, connect=5.0)
CONNECTIONS = 16  # the connection pool of httpx grows slower with every further one


def open_http(
    base_url: str, auth: httpx.Auth, wire: httpx.AsyncBaseTransport, budget: Budget, *, agent: str, lane: Lane = "chat"
) -> httpx.AsyncClient:
    """The client every call goes through. Redirects are never followed, so the token stays where it belongs."""
    return httpx.AsyncClient(
        base_url=base_url,
        auth=auth,
        transport=RetryLayer(BudgetLayer(wire, budget, lane)),
        timeout=TIMEOUT,
        follow_redirects=False,
        headers={"User-Agent": agent, "Accept": "application/json"},
    )


def network(verify: ssl.SSLContext | bool) -> httpx.AsyncHTTPTransport:
    """The real network, with few connections kept open."""
    return httpx.AsyncHTTPTransport(verify=verify, limits=httpx.Limits(max_connections=CONNECTIONS))
