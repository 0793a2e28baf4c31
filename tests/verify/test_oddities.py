"""Each assumption has a sandbox in which it alone is untrue, and a trial finds that one and no other."""

import pytest

from salesloft_mcp.sandbox import ODD, Odd, Sandbox
from salesloft_mcp.state.database import Database
from salesloft_mcp.verify.table import CHECKS

from .conftest import of_others, standing, verified

pytestmark = pytest.mark.anyio

# What stands in records is no assumption of these; two assumptions have a second sandbox.
OF_RECORDS = {"odd-values", "null-rows", "hidden-records"}
ALSO = {"ids-in-plain-lists": "mapping-id", "singular-filter": "object-type-filter"}


def test_every_check_has_a_sandbox_in_which_it_alone_finds_something() -> None:
    assert set(ODD) - OF_RECORDS - ALSO.keys() == {check.name for check in CHECKS}


@pytest.mark.parametrize("odd", ODD)
async def test_it_is_found_and_nothing_else(odd: Odd, database: Database) -> None:
    with Sandbox(odd=[odd], rate_limit=0) as sandbox:
        before = of_others(sandbox)
        report = await verified(sandbox, database)
        wanted = [] if odd in OF_RECORDS else [ALSO.get(odd, odd)]
        assert [one.name for one in report.of("differs")] == wanted
        assert all(one.means and one.seen not in one.expected for one in report.of("differs"))
        assert standing(sandbox) == []
        assert list(report.made.left) == []
        assert of_others(sandbox) == before
