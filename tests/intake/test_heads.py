"""Which field a column means, and what is said when that is not plain."""

import csv
import io
import json
import shlex

import pytest

from salesloft_mcp.bulk.rows import BACKFILL
from salesloft_mcp.errors import InputError
from salesloft_mcp.intake.heads import MAP, Heads, Wanted, columns_of
from salesloft_mcp.intake.tables import Invalid, open_table, table_of

from .test_tables import PEOPLE, read, refused, table, told


@pytest.mark.parametrize(
    "id_head",
    ["external_id", "External_ID", "EXTERNAL ID", "External Id ", "external-id", "External.ID", "external\u2011id"],
)
@pytest.mark.parametrize("head", ["email", "E-mail", "Email ", "EMAIL", "e_mail", "email_address", "Email Address"])
def test_heads_match_whatever_their_case_and_separators(id_head: str, head: str) -> None:
    assert read(f"{id_head},{head}\nA-1,a@x.test\n") == ({2: ["A-1", "a@x.test"]}, [])


def test_columns_that_are_not_used_are_told_with_the_field_they_may_have_been_meant_for() -> None:
    _, notes = read("external_id,email,Name,objct_id,\nA-1,a@x.test,x,y,z\n")
    assert notes == ['Not used: the columns "Name" and "objct_id" (did you mean object_id?).']
    _, notes = read("external_id,email," + ",".join(f"c{number}" for number in range(100)) + "\n")
    assert notes[0].endswith('"c11" and 88 more.')


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "id,email\nA-1,a@x.test\n",
            'file: has no column external_id. Its columns are "id" and "email".\n'
            'Next: if "id" holds that, map it: columns {"id": "external_id"}.',
        ),
        (
            "external_id,Name\nA-1,Kat\n",
            'Its columns are "external_id" and "Name".\n'
            'Next: if that is what a column holds, map it: columns {"COLUMN": "object_id"}.',
        ),
        ("ID,Success,Created\n003,true,true\n", '"ID", "Success" and "Created"'),
        ("externel_id,email\nA-1,a@x.test\n", '{"externel_id": "external_id"}'),
        ("External ID*,email\nA-1,a@x.test\n", '{"External ID*": "external_id"}'),
        ("external_id:string,email\nA-1,a@x.test\n", '{"external_id:string": "external_id"}'),
        ("external_id,properties.email\nA-1,a@x.test\n", '{"properties.email": "email"}'),
        ("external_id,e_mial\nA-1,a@x.test\n", '{"e_mial": "email"}'),
        ("external_id,email\x85A-1,a@x.test", "\\u{85}"),
        ("Contact Id (18),email\nA-1,a@x.test\n", '{"Contact Id (18)": "external_id"}'),
        ("external_id,Name,E-Mail-Adresse\nA-1,Kat,a@x.test\n", '{"E-Mail-Adresse": "email"}'),
        ("external_id,Contact ID,Website\nA-1,003Dn0000000105,x.test\n", '{"Contact ID": "crm_id"}'),
        ("external_id,CaseSafeID\nA-1,003Dn0000000105IAA\n", '{"CaseSafeID": "crm_id"}'),
    ],
)
def test_a_head_without_what_rows_need_is_one_refusal_with_the_columns_and_the_nearest_name(
    text: str, words: str
) -> None:
    assert words in refused(text)


def test_two_columns_that_mean_one_field_are_refused_unless_it_is_said_which_counts() -> None:
    text = "external_id,Email,email_address\nA-1,a@x.test,b@x.test\n"
    assert refused(text) == (
        'file: "Email" and "email_address" (columns 2 and 3) both mean email.\n'
        'Next: say which of them counts: columns {"Email": "email"}.'
    )
    found = table(text, wanted=PEOPLE, email_address="email")
    assert told(found.rows) == {2: ["A-1", "b@x.test"]}
    assert found.notes == ['Not used: the column "Email".']
    assert "stands in columns 2 and 3" in refused(text.replace("email_address", "Email"), Email="email")


def test_columns_decide_what_a_column_means() -> None:
    text = "id,Work mail,email\nA-1,a@x.test,b@x.test\n"
    assert told(table(text, wanted=PEOPLE, **{"ID": "external_id", "work-mail": "E-Mail"}).rows) == {
        2: ["A-1", "a@x.test"]
    }


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"idd": "external_id"}, 'columns: there is no column "idd".\nNext: did you mean "id"?'),
        ({"id": "extrenal_id"}, 'columns: there is no field "extrenal_id".\nNext: did you mean external_id?'),
        ({"id": "external_id", "email": "external_id"}, 'columns: "id" and "email" are both to be external_id.'),
    ],
)
def test_columns_that_cannot_be_are_refused(columns: dict[str, str], words: str) -> None:
    assert words in refused("id,email\nA-1,a@x.test\n", "a.csv", PEOPLE, **columns)
    with pytest.raises(InputError):
        list(table_of([{"id": "A-1", "email": "a@x.test"}], PEOPLE, columns).rows)


def test_a_column_that_no_row_of_json_has_is_refused_at_the_end() -> None:
    with pytest.raises(InputError, match='there is no column "Mail"'):
        list(table_of([{"external_id": "A-1", "email": "a@x.test"}], PEOPLE, {"Mail": "crm_id"}).rows)


def test_the_map_of_a_command_line_has_a_column_and_its_field() -> None:
    assert columns_of(["Contact ID=external_id", "a=b=email"]) == {"Contact ID": "external_id", "a=b": "email"}
    assert columns_of(["AccountId="]) == {"AccountId": ""}
    for pairs in (["external_id"], ["=email"], [" =email"], ["a=email", "a=crm_id"]):
        with pytest.raises(InputError, match="map"):
            columns_of(pairs)


def test_fields_of_a_prefix_keep_their_names() -> None:
    wanted = Wanted(frozenset({"external_id"}), prefix="custom_fields.")
    found = table("external_id,Custom_Fields.Legacy ID,x\nA-1,7,y\n", wanted=wanted)
    assert [row for _, row in found.rows] == [{"external_id": "A-1", "custom_fields.Legacy ID": "7"}]
    row = {"External ID": "A-1", "custom_fields": {"Legacy ID": "7", "n": 1}, "more": {"deep": []}}
    assert [row for _, row in table_of([row], wanted).rows] == [
        {"external_id": "A-1", "custom_fields.Legacy ID": "7", "custom_fields.n": 1}
    ]
    twice = {"external_id": "A-1", "custom_fields.n": 2, "custom_fields": {"n": 1}}
    assert [one for _, one in table_of([row, twice], wanted).rows][1:] == [Invalid('"custom_fields.n" is given twice.')]


def test_rows_of_a_call_match_like_heads_and_are_refused_once() -> None:
    found = table_of([{"External_Id": "A-1", "E-Mail": "a@x.test", "x": 1}, {"email": "b@x.test"}], PEOPLE)
    assert list(found.rows) == [(1, {"external_id": "A-1", "email": "a@x.test"}), (2, {"email": "b@x.test"})]
    assert found.notes == ['Not used: the column "x".']
    (_, both), _ = table_of(
        [{"external_id": "A", "email": "a", "Email": "b"}, {"external_id": "B", "email": "c"}], PEOPLE
    ).rows
    assert both == Invalid('"email" and "Email" (columns 2 and 3) both mean email.')
    with pytest.raises(InputError, match="rows: has no column external_id"):
        list(table_of([{"id": "A-1", "email": "a@x.test"}] * 3, PEOPLE).rows)


def test_the_fields_of_a_backfill_are_known_by_salesloft_s_own_names() -> None:
    assert Heads(BACKFILL["people"], {}).fields(["External ID", "Email address"]) == {"external_id": 0, "email": 1}
    assert Heads(BACKFILL["accounts"], {}).fields(["Account ID", "external_id"]) == {"object_id": 0, "external_id": 1}
    assert Heads(BACKFILL["users"], {}).fields(["id", "user_id", "person_id"]) == {"object_id": 1}


SALESFORCE = "external_id,email,Object ID\nA-1,a@x.test,{}\nA-2,b@x.test,\nA-3,c@x.test,{}\n"


def test_a_column_that_only_looks_like_an_id_of_salesloft_is_refused_once_and_may_be_left_out() -> None:
    text = SALESFORCE.format("0015g00000Abc12AAB", "0015g00000Abc13AAB")
    assert refused(text) == (
        'file: the column "Object ID" means object_id, an id of Salesloft\'s own, and holds those of another system, '
        'such as "0015g00000Abc12AAB".\n'
        'Next: leave it out: columns {"Object ID": ""}; or give the field that it holds.'
    )
    assert 'the column "Object ID" means object_id' in refused(text.replace("0015g00000Abc12AAB", "", 1))
    found = table(text, wanted=PEOPLE, **{"Object ID": ""})
    assert told(found.rows) == {2: ["A-1", "a@x.test"], 3: ["A-2", "b@x.test"], 4: ["A-3", "c@x.test"]}
    assert found.notes == ['Not used: the column "Object ID".']
    rows = [{"external_id": "A-1", "email": "a@x.test", "objectId": "0015g00000Abc12AAB"}]
    assert [row for _, row in table_of(rows, PEOPLE, {"objectId": ""}).rows] == [
        {"external_id": "A-1", "email": "a@x.test"}
    ]
    with pytest.raises(InputError, match='rows: the column "objectId" means object_id'):
        list(table_of(rows, PEOPLE).rows)


def test_of_an_account_or_an_owner_by_another_system_s_id_it_is_said_how_to_name_it() -> None:
    upsert = Wanted(frozenset({"external_id", "last_name", "owner_id", "owner.external_id"}))
    text = "external_id,last_name,OwnerId\nA-1,Kat,0055g00000Abc12AAB\n"
    assert refused(text, wanted=upsert).endswith(
        'Next: if they are external ids, map it: columns {"OwnerId": "owner.external_id"}; '
        'or leave it out: columns {"OwnerId": ""}.'
    )
    assert told(table(text, wanted=upsert, OwnerId="owner.external_id").rows) == {
        2: ["A-1", "Kat", "0055g00000Abc12AAB"]
    }


def test_a_column_of_the_names_of_owners_is_refused_once_as_it_names_none_by_an_external_id() -> None:
    upsert = Wanted(frozenset({"external_id", "last_name", "owner", "owner.external_id"}))
    text = "external_id,last_name,Owner\nA-1,Kat,\nA-2,Ann,Jo Ops\n"
    assert refused(text, wanted=upsert) == (
        'file: the column "Owner" means owner, which is named by an external id, and holds none, such as "Jo Ops".\n'
        'Next: if they are external ids, map it: columns {"Owner": "owner.external_id"}; '
        'or leave it out: columns {"Owner": ""}.'
    )
    with pytest.raises(InputError, match='the column "Owner" means owner'):
        list(table_of([{"external_id": "A-1", "last_name": "Kat", "Owner": {"Name": "Jo Ops"}}], upsert).rows)
    row = {"external_id": "A-1", "last_name": "Kat", "owner": {"external_id": "U-1"}}
    assert list(table_of([row], upsert).rows) == [(1, row)]


def test_a_title_beside_a_job_title_may_be_that_of_an_address_and_is_not_guessed() -> None:
    person = Wanted(frozenset({"external_id", "title"}))
    text = "Title,First Name,Job Title,External ID\nMr.,Kat,CEO,A-1\n"
    assert '"Title" and "Job Title" (columns 1 and 3) both mean title.' in refused(text, wanted=person)
    assert told(table(text, wanted=person, **{"Job Title": "title"}).rows) == {2: ["CEO", "A-1"]}
    assert told(table(text, wanted=person, Title="title").rows) == {2: ["Mr.", "A-1"]}
    assert read("Job Title,External ID\nCEO,A-1\n", wanted=person)[0] == {2: ["A-1"]}


@pytest.mark.parametrize(
    ("head", "note"),
    [
        ("Person ID", ['Read as ids of Salesloft\'s own: "Person ID" (object_id).']),
        ("person_id", []),
        ("Object ID", []),
        ("Owner ID", ['Read as ids of Salesloft\'s own: "Owner ID" (owner_id).']),
        ("owner_id", []),
    ],
)
def test_it_is_said_which_column_of_a_usual_name_was_taken_for_ids_of_salesloft(head: str, note: list[str]) -> None:
    wanted = Wanted(frozenset({"external_id", "object_id", "owner_id", "email"}), {"person_id": "object_id"})
    _, notes = read(f"external_id,email,{head}\nA-1,a@x.test,17\n", wanted=wanted)
    assert notes == note


@pytest.mark.parametrize("ids", [("17", "0015g00000Abc13AAB"), ("0015g00000Abc13AAB", "17"), ("n/a", "no")])
def test_single_wrong_ids_are_wrong_rows(ids: tuple[str, str]) -> None:
    assert len(read(SALESFORCE.format(*ids))[0]) == 3


def test_an_id_of_another_system_in_a_column_that_was_mapped_is_a_wrong_row() -> None:
    text = "external_id,SF\nA-1,0015g00000Abc12AAB\n"
    assert told(table(text, wanted=PEOPLE, SF="object_id").rows) == {2: ["A-1", "0015g00000Abc12AAB"]}


def test_a_column_that_is_left_out_is_not_missed_for_its_own_field() -> None:
    text = "external_id,Email,email_address\nA-1,a@x.test,b@x.test\n"
    assert told(table(text, wanted=PEOPLE, Email="").rows) == {2: ["A-1", "b@x.test"]}
    assert "has no column object_id, email or crm_id" in refused(text, Email="", email_address="")
    with pytest.raises(InputError, match='there is no column "Mail"'):
        list(table("external_id,email\nA-1,a@x.test\n", wanted=PEOPLE, Mail="").rows)


@pytest.mark.parametrize(
    "head", ["Contact's ID", '"Contact" ID', 'It\'s "the" id', "Contact's $ID", "externel\u200b id"]
)
def test_advice_on_a_map_can_be_sent_as_it_is_and_at_a_terminal_typed(head: str) -> None:
    text = io.StringIO()
    csv.writer(text).writerows([[head, "email"], ["A-1", "a@x.test"]])
    sent = refused(text.getvalue()).partition("map it: columns ")[2].removesuffix(".")
    with pytest.raises(InputError) as raised:
        open_table(io.BytesIO(text.getvalue().encode()), "a.csv", PEOPLE, option=MAP)
    assert "columns {" not in str(raised.value)
    typed = str(raised.value).partition("map it: --map ")[2].removesuffix(".")
    for columns in (columns_of(shlex.split(typed)), json.loads(sent)):
        assert told(table(text.getvalue(), wanted=PEOPLE, **columns).rows) == {2: ["A-1", "a@x.test"]}


def test_columns_of_ids_of_another_system_hold_what_they_are_for() -> None:
    """Those of an account or an owner, and a custom field whose name ends as that of an id does."""
    upsert = Wanted(frozenset({"external_id", "owner_id", "owner.external_id"}), prefix="custom_fields.")
    text = "external_id,owner.external_id,custom_fields.Legacy_id\nA-1,0055g00000Abc12AAB,0015g00000Abc12AAB\n"
    assert told(table(text, wanted=upsert).rows) == {2: ["A-1", "0055g00000Abc12AAB", "0015g00000Abc12AAB"]}
