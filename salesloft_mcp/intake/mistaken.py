"""Pure: what people give in place of an external id. Each of them can be one, so this is told of missing ids alone."""

from salesloft_mcp.intake.crm_ids import URL
from salesloft_mcp.intake.emails import is_address
from salesloft_mcp.intake.values import suspicious


def doubt(missing: str) -> str:
    """What is odd about an external id that is not mapped, in a few words; empty for nothing. It is damaged
    (`values.suspicious`), an e-mail address, or the address of a Salesforce record.
    """
    if why := suspicious(missing):
        return why
    if is_address(missing.lower()):
        return "an e-mail address, by which records are searched for"
    found = URL.fullmatch(missing)
    return f"the address of a record, whose id is {found[1]}" if found else ""
