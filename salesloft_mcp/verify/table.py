"""Every assumption that is tried, in the order in which it is tried; and those that are not. A new one is a new row."""

from salesloft_mcp.verify.check import Check, NotTried
from salesloft_mcp.verify.creating import CREATING
from salesloft_mcp.verify.deleting import DELETING
from salesloft_mcp.verify.listing import LISTING
from salesloft_mcp.verify.records import METERED, RECORDS

CHECKS: tuple[Check, ...] = (*CREATING, *LISTING, *RECORDS, *DELETING, METERED)

_PERSON = "it would create a person or an account, and nothing deletes one again"
NOT_TRIED = (
    NotTried("An upsert that is refused leaves neither record nor mapping", _PERSON),
    NotTried("An e-mail that exists is a 422 when an unmapped id is upserted", _PERSON),
    NotTried("A record that disappears marks its mappings deleted", "a person or an account would have to go"),
    NotTried("Users who are deactivated are hidden there as in the list of users", "it would map somebody else"),
    NotTried("Custom fields that the team does not have are dropped without a word", _PERSON),
    NotTried("A CRM id without its type, or of another length or beginning, is a 422 on that field", _PERSON),
    NotTried("A type of CRM object is told as contact, lead or account", _PERSON),
    NotTried("Every word of a search for users has to be found", "nothing depends on it: each user is compared here"),
    NotTried(
        "Points count by the clock minute, and the 429 says nothing more",
        "it would take the points of every other integration of the team",
    ),
    NotTried(
        "A scope has either of two names",
        "it would take a token of fewer scopes",
        "`…:manage` in the guide, `…:write` and `…:delete` in the reference",
    ),
)
