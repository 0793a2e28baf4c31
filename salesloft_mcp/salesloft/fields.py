"""What may be written to a person or an account. Only the fields that were set are sent; a null clears one."""

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

# Control characters and halves of surrogate pairs: they cannot be sent, or should not be.
NO_TEXT = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_NO_LINES_OF_TEXT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


def _one_line(text: str) -> str:
    if NO_TEXT.search(text):
        raise ValueError("has a line break or another character that is not text.")
    return text


def _lines(text: str) -> str:
    if _NO_LINES_OF_TEXT.search(text):
        raise ValueError("has a character that is not text.")
    return text


Text = Annotated[str, Field(strict=True, max_length=2_000), AfterValidator(_one_line)]
Id = Annotated[int, Field(strict=True, gt=0, lt=2**63)]
Flag = Annotated[bool, Field(strict=True)]
Tags = Annotated[list[Annotated[Text, Field(max_length=255)]], Field(max_length=100)]
Seniority = Literal["director", "executive", "individual_contributor", "manager", "vice_president", "unknown"]
Custom = Annotated[dict[Annotated[Text, Field(max_length=255)], Text | None], Field(max_length=500)]


class Fields(BaseModel):
    """The body of an upsert."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def body(self) -> dict[str, Any]:
        """The JSON body of a request."""
        return self.model_dump(mode="json", exclude_unset=True)


class PersonFields(Fields):
    """The person fields that can be written. Creating needs `email_address`, or `phone` and `last_name`."""

    email_address: Text | None = None
    secondary_email_address: Text | None = None
    personal_email_address: Text | None = None
    first_name: Text | None = None
    last_name: Text | None = None
    phone: Text | None = None
    phone_extension: Text | None = None
    mobile_phone: Text | None = None
    home_phone: Text | None = None
    linkedin_url: Text | None = None
    title: Text | None = None
    city: Text | None = None
    state: Text | None = None
    country: Text | None = None
    work_city: Text | None = None
    work_state: Text | None = None
    work_country: Text | None = None
    person_company_name: Text | None = None
    person_company_website: Text | None = None
    person_company_industry: Text | None = None
    job_seniority: Seniority | None = None
    locale: Text | None = None
    personal_website: Text | None = None
    twitter_handle: Text | None = None
    crm_id: Text | None = None
    crm_id_type: Literal["salesforce"] | None = None
    account_id: Id | None = None
    owner_id: Id | None = None
    import_id: Id | None = None
    person_stage_id: Id | None = None
    do_not_contact: Flag | None = None
    eu_resident: Flag | None = None
    tags: Tags | None = None
    contact_restrictions: Annotated[list[Literal["call", "email", "message"]], Field(max_length=3)] | None = None
    custom_fields: Custom | None = None


class AccountFields(Fields):
    """The account fields that can be written. Creating needs `name` and `domain`."""

    name: Text | None = None
    domain: Text | None = None
    conversational_name: Text | None = None
    description: Annotated[str, Field(strict=True, max_length=20_000), AfterValidator(_lines)] | None = None
    phone: Text | None = None
    website: Text | None = None
    linkedin_url: Text | None = None
    twitter_handle: Text | None = None
    street: Text | None = None
    city: Text | None = None
    state: Text | None = None
    postal_code: Text | None = None
    country: Text | None = None
    locale: Text | None = None
    industry: Text | None = None
    company_type: Text | None = None
    founded: Text | None = None
    revenue_range: Text | None = None
    size: Text | None = None
    crm_id: Text | None = None
    crm_id_type: Literal["salesforce"] | None = None
    owner_id: Id | None = None
    company_stage_id: Id | None = None
    account_tier_id: Id | None = None
    do_not_contact: Flag | None = None
    archived: Flag | None = None
    tags: Tags | None = None
    custom_fields: Custom | None = None
