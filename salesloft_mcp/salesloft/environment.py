"""What an environment is called: SANDBOX, LOCAL or LIVE, and its address.

The log and the tables keep an environment by its address alone, so that what older versions wrote is found, too.
"""

from typing import Literal

import httpx

from salesloft_mcp.salesloft.route import is_loopback

Word = Literal["SANDBOX", "LOCAL", "LIVE"]


def word_of(environment: str) -> Word:
    """SANDBOX is the sandbox inside this program, LOCAL another server on this machine, LIVE everything else."""
    if environment.startswith("SANDBOX"):
        return "SANDBOX"
    return "LOCAL" if is_loopback(httpx.URL(environment).host) else "LIVE"


def named(environment: str) -> str:
    """An environment as people are told of it: "LIVE (https://api.salesloft.com)"."""
    return f"{word_of(environment)} ({environment})" if "://" in environment.partition(" ")[0] else environment
