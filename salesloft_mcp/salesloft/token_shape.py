"""What a token that Salesloft does not know looks like, so that a mistake of the settings is told as one. Pure."""

import re

# The guide has API keys and OAuth access tokens, and says of neither how it is made. Keys of Salesloft were seen to be
# "ak" and 64 hexadecimal digits; of access tokens nothing more is known than that they are long.
_KEY = re.compile(r"ak_?[0-9a-f]{64}")
_SHORTEST = 20  # characters
_WORDS = re.compile(
    r"your|insert|replace|change|example|sample|dummy|placeholder|todo|xxx|\.\.\.|here|secret|token|api.?key|paste|<|>|\*{3}",
    re.IGNORECASE,
)
_OTHERS = {
    "sk-": "an OpenAI or Anthropic key",
    "ghp_": "a GitHub token",
    "github_pat_": "a GitHub token",
    "xoxb-": "a Slack token",
    "xoxp-": "a Slack token",
    "pat-": "a HubSpot token",
    "eyJ": "a JSON web token, which Salesloft's API does not take as a key",
    "00D": "a Salesforce session",
}


def without_keys(text: str, instead: str) -> str:
    """`text` with `instead` in place of each key of Salesloft in it, whosever that is."""
    return _KEY.sub(instead, text)


def doubt_of(token: str) -> str:
    """Why this can hardly be a token of Salesloft, without any of its characters; "" where it may well be one."""
    if _KEY.fullmatch(token):
        return ""
    if _KEY.search(token):
        return "holds a key of Salesloft, and more before or after it"
    if other := next((what for start, what in _OTHERS.items() if token.startswith(start)), ""):
        return f"looks like {other}"
    if _WORDS.search(token):
        return "looks like a place-holder that nobody has replaced"
    if token.startswith("ak") and re.fullmatch(r"ak_?[0-9a-fA-F]*", token):
        return f"looks like a key that was not copied whole: it has {len(token)} characters, and keys of Salesloft 66"
    if len(token) < _SHORTEST:
        return f"is too short for a token of Salesloft: it has {len(token)} characters"
    return ""
