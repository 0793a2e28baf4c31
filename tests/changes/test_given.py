"""What a caller gives of a record: what is empty is left out, and only a name in `clear` empties a field."""

from typing import Any

import pytest
from hypothesis import given as any_of
from hypothesis import strategies as st

from salesloft_mcp.changes.given import Given, GivenAccount, GivenPerson, fields_to_write, references
from salesloft_mcp.errors import InputError
from salesloft_mcp.salesloft.fields import AccountFields, PersonFields
from salesloft_mcp.salesloft.models import MappingKey

LEAD_ID, ACCOUNT_ID = "00QDn00000AbCdEMAV", "001Dn00000AbCdEIAV"
PERSON, ACCOUNT = GivenPerson, GivenAccount

# Source: the person and account bodies of Salesloft's reference.
OF_A_PERSON = (
    "email_address, secondary_email_address, personal_email_address, first_name, last_name, phone, phone_extension, "
    "mobile_phone, home_phone, linkedin_url, title, city, state, country, work_city, work_state, work_country, "
    "person_company_name, person_company_website, person_company_industry, job_seniority, locale, personal_website, "
    "twitter_handle, crm_id, crm_id_type, account_id, owner_id, import_id, person_stage_id, do_not_contact, "
    "eu_resident, tags, contact_restrictions, custom_fields"
)
OF_AN_ACCOUNT = (
    "name, domain, conversational_name, description, phone, website, linkedin_url, twitter_handle, street, city, "
    "state, postal_code, country, locale, industry, company_type, founded, revenue_range, size, crm_id, crm_id_type, "
    "owner_id, company_stage_id, account_tier_id, do_not_contact, archived, tags, custom_fields"
)


def body(model: type[Given], **fields: Any) -> dict[str, Any]:
    return fields_to_write(model.model_validate(fields)).fields.body()


def refusal(model: type[Given], **fields: Any) -> str:
    with pytest.raises(InputError) as error:
        body(model, **fields)
    return str(error.value)


def test_every_field_that_can_be_written_is_there() -> None:
    assert set(PersonFields.model_fields) == set(OF_A_PERSON.split(", "))
    assert set(AccountFields.model_fields) == set(OF_AN_ACCOUNT.split(", "))
    assert set(GivenPerson.model_fields) - set(PersonFields.model_fields) == {"account", "owner", "clear"}
    assert set(GivenAccount.model_fields) - set(AccountFields.model_fields) == {"owner", "clear"}


@any_of(st.data())
def test_a_host_that_fills_every_optional_wipes_nothing(data: st.DataObject) -> None:
    for model in (GivenPerson, GivenAccount):
        filled: dict[str, Any] = {}
        for name in model.model_fields:
            zero = [0] if name.endswith("_id") and name != "crm_id" else []
            filled[name] = data.draw(st.sampled_from([None, "", [], {}, [""], [None], *zero]))
        assert body(model, **{**filled, "city": "Wien"}) == {"city": "Wien"}


def test_empty_references_and_custom_fields_are_left_out_too() -> None:
    empty = {"external_type": "", "external_id": ""}
    given: dict[str, Any] = {"account": empty, "owner": {}, "custom_fields": {"A": "", "B": None, "C": "x"}, "size": ""}
    del given["size"]
    assert body(PERSON, **given, title="x") == {"title": "x", "custom_fields": {"C": "x"}}


def test_false_is_a_value() -> None:
    assert body(PERSON, do_not_contact=False) == {"do_not_contact": False}


def test_what_is_empty_altogether_has_nothing_to_write() -> None:
    assert refusal(PERSON, title=None, tags=[]).startswith("person: has no field to write;")
    assert refusal(ACCOUNT, name="").startswith("account: has no field to write;")


def test_a_field_is_emptied_by_its_name() -> None:
    assert body(PERSON, title="CFO", clear=["city", "city", "tags", "custom_fields.Legacy ID", "owner_id"]) == {
        "title": "CFO",
        "city": None,
        "tags": [],
        "owner_id": None,
        "custom_fields": {"Legacy ID": None},
    }


def test_a_crm_id_is_emptied_with_its_type() -> None:
    assert body(PERSON, clear=["crm_id"]) == {"crm_id": None, "crm_id_type": None}
    assert body(PERSON, clear=["crm_id", "crm_id_type"]) == {"crm_id": None, "crm_id_type": None}
    assert body(PERSON, clear=["crm_id_type", "crm_id"]) == {"crm_id": None, "crm_id_type": None}
    assert "crm_id_type is emptied together with crm_id" in refusal(PERSON, clear=["crm_id_type"])


@pytest.mark.parametrize(
    ("model", "fields", "words"),
    [
        (PERSON, {"clear": ["titel"]}, 'person.clear: "titel" is no field of person: did you mean title?'),
        (ACCOUNT, {"clear": ["first_name"]}, '"first_name" is no field of account'),
        (PERSON, {"clear": ["title"], "title": "x"}, 'person.clear: "title" is given, too.'),
        (PERSON, {"clear": ["custom_fields.A"], "custom_fields": {"A": "1"}}, '"custom_fields.A" is given, too.'),
        (PERSON, {"clear": ["custom_fields"]}, "custom fields are emptied one by one."),
        (PERSON, {"clear": ["custom_fields."]}, "custom fields are emptied one by one."),
        (ACCOUNT, {"clear": ["name"]}, "the name of an account can never be empty."),
        (ACCOUNT, {"clear": ["domain"]}, "the domain of an account can never be empty."),
        (PERSON, {"clear": ["id"]}, '"id" is no field of person'),
        (
            PERSON,
            {"clear": ["account_id"], "account": {"external_type": "erp", "external_id": "1"}},
            '"account_id" is given, too.',
        ),
    ],
)
def test_what_cannot_be_cleared_is_refused_in_words(model: type[Given], fields: dict[str, Any], words: str) -> None:
    assert words in refusal(model, **fields)


@pytest.mark.parametrize(
    ("model", "crm_id"), [(PERSON, LEAD_ID), (PERSON, "003Dn00000AbCdEIAV"), (ACCOUNT, ACCOUNT_ID)]
)
def test_a_crm_id_goes_with_its_type(model: type[Given], crm_id: str) -> None:
    both = {"crm_id": crm_id, "crm_id_type": "salesforce"}
    assert body(model, **both) == both
    assert body(model, crm_id=crm_id) == both  # there is one type only
    assert "crm_id_type: Salesloft takes it only together with crm_id." in refusal(model, crm_id_type="salesforce")


def test_the_15_characters_of_a_crm_id_are_completed_and_that_is_told() -> None:
    wanted = fields_to_write(PERSON.model_validate({"crm_id": "003Dn00000AbCdE"}))
    assert wanted.fields.body() == {"crm_id": "003Dn00000AbCdEIAV", "crm_id_type": "salesforce"}
    assert wanted.taken == ('crm_id was taken as "003Dn00000AbCdEIAV", the 18 characters of the 15 given',)


@pytest.mark.parametrize(
    ("model", "crm_id", "words"),
    [
        (PERSON, "003", "is no Salesforce id of 18 characters that begins with 00Q or 003."),
        (PERSON, "4711", "is no Salesforce id of 18 characters"),
        (PERSON, "003Dn00000AbCdEIAA", "do not fit"),
        (PERSON, ACCOUNT_ID, "is the id of an account; those of people begin with 003 or 00Q."),
        (ACCOUNT, LEAD_ID, "is the id of a lead; those of accounts begin with 001."),
    ],
)
def test_a_crm_id_that_salesloft_would_refuse_is_refused_before(model: type[Given], crm_id: str, words: str) -> None:
    assert words in refusal(model, crm_id=crm_id, crm_id_type="salesforce")


def test_references_stand_under_the_field_that_they_are_written_to() -> None:
    one, other = {"external_type": "erp", "external_id": "A 1"}, {"external_type": "crm", "external_id": "abc"}
    assert references(GivenPerson.model_validate({"account": one, "owner": other})) == {
        "account_id": MappingKey("erp", "accounts", "A 1"),
        "owner_id": MappingKey("crm", "users", "abc"),
    }
    assert references(GivenAccount.model_validate({"owner": other})) == {"owner_id": MappingKey("crm", "users", "abc")}
    with pytest.raises(InputError, match=r"person\.owner: is given together with owner_id"):
        references(GivenPerson.model_validate({"owner": other, "owner_id": 3}))
