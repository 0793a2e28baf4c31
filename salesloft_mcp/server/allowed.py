"""What the policy of this computer lets a call be about.

The schemas keep all kinds of record: a tool reads the same on every computer, and a refusal says why, which a value
that is missing from a schema would not.
"""

from collections.abc import Container
from typing import Any

from salesloft_mcp.app import App
from salesloft_mcp.bulk.status import Status
from salesloft_mcp.policy import Policy
from salesloft_mcp.salesloft.models import OBJECT_TYPES, object_type_of

# Tools whose name says which kind of record they are about.
_ABOUT = {"upsert_person_by_external_id": "people", "upsert_account_by_external_id": "accounts"}


def within_policy(policy: Policy, tool: str, known: Container[str], given: dict[str, Any]) -> dict[str, Any]:
    """The arguments that a tool was given, of those it has (`known`); a kind of record that was left out is filled in
    where only one is allowed.

    Raises:
        PolicyError: it is about records of a kind that is not allowed, or about several kinds of which one is not.
    """
    if tool in _ABOUT:
        policy.require_object_type(_ABOUT[tool])
    if "object_type" not in known:
        return given
    named = object_type_of(given.get("object_type", ""))
    if named in OBJECT_TYPES:
        policy.require_object_type(str(named))
    elif named == "" and (only := policy.only_object_type()):
        return {**given, "object_type": only}
    return given  # what is no kind of record at all is refused when the arguments are read


async def allowed_plan(app: App, plan: str) -> Status:
    """How far a plan is.

    Raises:
        PolicyError: it is about records of a kind that is not allowed. It can be cancelled all the same.
        MissingError: there is no such plan.
    """
    status = await app.plans.status(plan)
    app.policy.require_object_type(status.plan.object_type)
    return status
