"""Where rows come from: only files that may be read, under the digest of the bytes that were read."""

import hashlib
import os
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path

import pytest

from salesloft_mcp.app import App
from salesloft_mcp.bulk import sources
from salesloft_mcp.bulk.plan import Aim, Load
from salesloft_mcp.bulk.sources import MAX_FILE_BYTES, allowed_file, load_field, load_file, load_rows, source
from salesloft_mcp.bulk.status import Status
from salesloft_mcp.errors import InputError
from salesloft_mcp.intake.lines import MAX_LINE
from salesloft_mcp.salesloft.fields import PersonFields
from salesloft_mcp.salesloft.models import Person
from salesloft_mcp.sandbox import Sandbox
from salesloft_mcp.state.staging import Staging
from tests.hosting.program import HANG_SECONDS

from .running import FIRST_PERSON

AIM = Aim("crm_lead", "people")
GOOD = b"external_id,object_id\n007,578495206\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = tmp_path / "files"
    (found / "sub").mkdir(parents=True)
    (found / "good.csv").write_bytes(GOOD)
    (found / "sub" / "good.csv").write_bytes(GOOD)
    (tmp_path / "secret.csv").write_bytes(GOOD)
    return found


@pytest.fixture
def staging(tmp_path: Path) -> Iterator[Staging]:
    with Staging(tmp_path / "one.db") as staging:
        yield staging


def refused(path: str, folder: Path | None) -> str:
    with pytest.raises(InputError) as raised:
        allowed_file(path, folder)
    return str(raised.value)


def test_files_inside_the_folder_are_found_by_any_path_that_stays_inside(folder: Path) -> None:
    for path in ("good.csv", "sub/good.csv", "./sub/../good.csv", str(folder / "good.csv")):
        assert allowed_file(path, folder).read_bytes() == GOOD
    (folder / "link.csv").symlink_to(folder / "good.csv")
    assert allowed_file("link.csv", folder) == folder / "good.csv"


def test_without_a_folder_no_file_is_read(folder: Path) -> None:
    assert refused(str(folder / "good.csv"), None) == (
        "file: no folder is open to files here.\nNext: start the server with --files-dir."
    )


@pytest.mark.parametrize("path", ["../secret.csv", "sub/../../secret.csv", "/etc/passwd", "link.csv", "dir/secret.csv"])
def test_nothing_outside_the_folder_is_read_by_whatever_way(folder: Path, path: str) -> None:
    (folder / "link.csv").symlink_to(folder.parent / "secret.csv")
    (folder / "dir").symlink_to(folder.parent)
    assert refused(path, folder) == (
        f'file: "{path}" is outside the folder that is open to files.\n'
        "Next: name a file in it, by its path from there; or send its rows."
    )
    assert "outside" in refused(str(folder.parent / "not there"), folder)  # and whether it exists is not told


def test_a_folder_beside_with_a_longer_name_is_outside(folder: Path) -> None:
    beside = folder.with_name("files2")
    beside.mkdir()
    (beside / "x.csv").write_bytes(GOOD)
    assert "outside" in refused("../files2/x.csv", folder)


def test_what_is_no_regular_file_is_refused_without_waiting_for_it(folder: Path) -> None:
    os.mkfifo(folder / "pipe.csv")
    (folder / "dir.csv").mkdir()
    (folder / "zero.csv").symlink_to("/dev/zero")
    for path in ("pipe.csv", "dir.csv", "."):
        assert "is no regular file." in refused(path, folder)
    assert "outside" in refused("zero.csv", folder)
    assert "is no regular file." in refused("/dev/zero", Path("/dev"))


def test_a_file_that_is_too_large_is_refused_before_it_is_read(folder: Path) -> None:
    with (folder / "large.csv").open("wb") as file:
        file.truncate(10 * 1024**3)
    words = 'file: "large.csv" is larger than 2 GiB.\nNext: correct it and try again; nothing was sent.'
    assert refused("large.csv", folder) == words
    assert MAX_FILE_BYTES == 2 * 1024**3


@pytest.mark.parametrize("path", ["none.csv", "a\0b", "\ud800", "x" * 5_000, "good.csv/x"], ids=ascii)
def test_a_path_that_leads_nowhere_is_refused_in_words(folder: Path, path: str) -> None:
    words = refused(path, folder)
    assert "\0" not in words
    assert len(words) < 250


def test_a_loop_of_links_is_refused(folder: Path) -> None:
    (folder / "loop.csv").symlink_to(folder / "loop.csv")
    assert "cannot be opened" in refused("loop.csv", folder)


@pytest.mark.anyio
async def test_the_digest_is_that_of_the_bytes(folder: Path, staging: Staging) -> None:
    assert await load_file(staging, AIM, folder / "good.csv") == (hashlib.sha256(GOOD).hexdigest(), ())
    assert [line.external_id for line in staging.lines()] == ["007"]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.csv", b"id,object_id\n1,2\n", 'columns {"id": "external_id"}'),
        ("a.csv", b"external_id,object_id\n", '"a.csv" has no rows.'),
        ("a.csv", b"", "is empty (0 bytes)."),
        ("a.csv", b"external_id,object_id,external_id\n1,2,3\n", 'the head "external_id" stands in columns 1 and 3.'),
        ("a.csv", b'external_id,object_id,note\n1,2,"x\n3,4,y\n', "line 2: a quote is out of place, or is not closed"),
        ("a.csv", b"external_id,object_id\n\xff,1\n", "is not UTF-8 text, and it is not plain"),
        ("a.jsonl", b"\xff\n", "is not UTF-8 text, and it is not plain"),
        ("a.jsonl", b"\n\n", "is empty: it holds blank lines only."),
        ("a.json", b"[]", '"a.json" has no rows.'),
    ],
)
async def test_a_file_that_cannot_be_read_as_rows_is_refused(
    folder: Path, staging: Staging, name: str, content: bytes, words: str
) -> None:
    (folder / name).write_bytes(content)
    with pytest.raises(InputError) as raised:
        await load_file(staging, AIM, folder / name)
    assert words in str(raised.value)


@pytest.mark.anyio
async def test_a_line_that_would_fill_the_memory_is_refused(
    folder: Path, staging: Staging, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert MAX_LINE == 16_777_216
    monkeypatch.setattr("salesloft_mcp.intake.lines.MAX_LINE", 100_000)
    monkeypatch.setattr("salesloft_mcp.intake.json_rows.MAX_LINE", 100_000)
    (folder / "a.jsonl").write_bytes(b"x" * 300_000)
    with pytest.raises(InputError, match="line 1 is longer than 100,000 characters"):
        await load_file(staging, AIM, folder / "a.jsonl")


@pytest.mark.anyio
async def test_rows_that_are_wrong_are_invalid_one_by_one(folder: Path, staging: Staging) -> None:
    lines = (
        b'\xef\xbb\xbf{"external_id": "a", "object_id": 1}',
        b"not json",
        b"",
        b"[1]",
        b'{"external_id": 7, "object_id": 1}',
        b'{"external_id": "\\ud800", "object_id": 1}',
        b'{"external_id": "b"}',
        b'{"external_id": "c", "object_id": 1, "email": "unknown@b.test"}',
        b'{"external_id": "d", "object_id": true}',
        b'{"external_id": "e", "domain": "x.test"}',
        b"[" * 100_000,
        b'{"external_id": null, "object_id": 1}',
        b'{"external_id": "f", "external_id": "g", "object_id": 1}',
        b'{"external_id": "h", "object_id": 99999999999999999999}',
    )
    (folder / "rows.jsonl").write_bytes(b"\n".join(lines))
    await load_file(staging, AIM, folder / "rows.jsonl")
    first, *others = staging.lines()
    assert (first.external_id, first.verdict) == ("a", "new")
    assert {line.verdict for line in others} == {"invalid"}
    notes = {line.line: line.note for line in others}
    assert list(notes) == [2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14]
    assert notes[2] == "the line is no JSON object."
    assert notes[5] == "external_id: must be text; a number may have lost leading zeros."
    assert notes[12] == "external_id: is missing."
    assert notes[13] == '"external_id" is given twice.'


@pytest.mark.anyio
async def test_a_row_that_cannot_be_right_is_staged_as_invalid_and_nothing_of_it_is_used(
    folder: Path, staging: Staging
) -> None:
    rows = b'a,1,x\nACME, Inc.,2,x\nb,3\n\nc,4,"two\nlines"\n'
    (folder / "a.csv").write_bytes(b"external_id,object_id,note\n" + rows)
    await load_file(staging, AIM, folder / "a.csv")
    assert [(line.line, line.external_id, line.ref, line.verdict, line.note) for line in staging.lines()] == [
        (2, "a", "1", "new", ""),
        (3, "ACME", "", "invalid", "4 cells, the head has 3."),
        (4, "b", "", "invalid", "2 cells, the head has 3."),
        (6, "c", "4", "new", ""),
    ]


@pytest.mark.anyio
async def test_an_id_that_is_refused_is_kept_as_it_was_given(folder: Path, staging: Staging) -> None:
    (folder / "a.csv").write_bytes(b"external_id,object_id\n\x07\\u{7},1\n")
    await load_file(staging, AIM, folder / "a.csv")
    assert [(line.external_id, line.verdict) for line in staging.lines()] == [("\x07\\u{7}", "invalid")]


@pytest.mark.anyio
async def test_columns_and_notes_go_with_the_rows(folder: Path, staging: Staging) -> None:
    (folder / "leads.txt").write_bytes(b"Lead;Salesloft ID;Name\n007;578495206;Kat\n\n")
    loaded = await load_file(staging, AIM, folder / "leads.txt", {"Lead": "external_id"})
    assert loaded.notes == ("Skipped: 1 blank line.", 'Not used: the column "Name".')
    assert [(line.external_id, line.ref) for line in staging.lines()] == [("007", "578495206")]


@pytest.mark.anyio
async def test_columns_and_notes_go_with_the_rows_of_a_call(staging: Staging) -> None:
    rows = [{"Lead": "008", "person_id": 578495206, "n": 1}]
    loaded = await load_rows(staging, AIM, rows, {"lead": "external_id"})
    assert loaded.notes == ('Not used: the column "n".',)
    assert [(line.external_id, line.ref) for line in staging.lines()] == [("008", "578495206")]


@pytest.mark.anyio
async def test_a_custom_field_has_no_columns(app: App) -> None:
    with pytest.raises(InputError, match="columns: a custom field has no columns"):
        source(app.salesloft, custom_field="Legacy ID", columns={"a": "external_id"})


async def planned(app: App, aim: Aim, load: Load) -> Status:
    return await app.jobs.wait(await app.jobs.plan(aim, load, "a test"), HANG_SECONDS)


@pytest.mark.anyio
async def test_a_custom_field_gives_a_row_for_each_value_and_none_for_blanks(app: App, sandbox: Sandbox) -> None:
    aim = Aim("marketing_automation", "people")
    status = await planned(app, aim, partial(load_field, api=app.salesloft, field="Legacy ID"))
    assert (status.state, status.plan.counts) == ("planned", {"create": 120})
    again = await planned(app, aim, partial(load_field, api=app.salesloft, field="Legacy ID"))
    assert again.plan.digest == status.plan.digest
    assert not [one for one in sandbox.requests if one.method != "GET"]


@pytest.mark.anyio
async def test_whatever_a_custom_field_holds_is_a_row_and_only_text_and_whole_numbers_are_ids(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = [{"F": "A-1"}, {"F": 7}, {"F": True}, {"F": ["A"]}, {"F": 7.5}, [{"name": "F"}], {"F": ""}, {}, None, []]

    async def scan(*_: object) -> AsyncIterator[list[Person]]:
        yield [Person.model_validate({"id": FIRST_PERSON + n, "custom_fields": one}) for n, one in enumerate(held)]

    monkeypatch.setattr(sources, "scan", scan)
    status = await planned(app, Aim("new_type", "people"), partial(load_field, api=app.salesloft, field="F"))
    assert "1 value is a number there, which has no leading zeros." in status.plan.notes
    with app.plans.staging(status.plan.id) as staging:
        found = [(row.external_id, row.ref, row.verdict, row.note) for row in staging.lines()]
    assert found[:2] == [("A-1", f"{FIRST_PERSON}", "create", ""), ("7", f"{FIRST_PERSON + 1}", "create", "")]
    assert [(external_id, note) for external_id, _, verdict, note in found[2:] if verdict == "invalid"] == [
        ("True", f"the field of record {FIRST_PERSON + 2} is true or false, not text."),
        ('["A"]', found[3][3]),
        ("7.5", found[4][3]),
        ("", f"the custom fields of record {FIRST_PERSON + 5} cannot be read: they are no object."),
    ]


@pytest.mark.anyio
async def test_one_value_on_two_records_is_found_and_left_out(app: App) -> None:
    people = (await app.salesloft.list_objects("people", (), per_page=100)).rows
    first, second = [one for one in people if not (getattr(one, "custom_fields", None) or {}).get("Legacy ID")][:2]
    for number, one in enumerate((first, second)):
        await app.salesloft.create_mapping("crm_lead", "people", f"twin{number}", one.id)
        fields = PersonFields(custom_fields={"Legacy ID": "TWICE"})
        await app.salesloft.upsert_person("crm_lead", f"twin{number}", fields)
    aim = Aim("marketing_automation", "people")
    status = await planned(app, aim, partial(load_field, api=app.salesloft, field="Legacy ID"))
    assert status.plan.counts == {"create": 120, "invalid": 2}
    with app.plans.staging(status.plan.id) as staging:
        twins = staging.lines(verdicts=("invalid",))
    assert {line.external_id for line in twins} == {"TWICE"}
    assert {line.object_id for line in twins} == {first.id, second.id}


@pytest.mark.anyio
async def test_a_field_nobody_has_is_refused_with_the_nearest(app: App) -> None:
    aim = Aim("crm_lead", "people")
    status = await planned(app, aim, partial(load_field, api=app.salesloft, field="Legcy ID"))
    assert status.state == "failed"
    assert status.problem == ('custom_field: no people have a value in "Legcy ID".\nNext: did you mean "Legacy ID"?')
    users = await planned(app, Aim("crm", "users"), partial(load_field, api=app.salesloft, field="x"))
    assert users.problem.startswith("object_type: users have no custom fields.")


@pytest.mark.anyio
async def test_the_same_rows_have_the_same_digest(staging: Staging, tmp_path: Path) -> None:
    rows = [{"external_id": "a", "object_id": 1}]
    digest = await load_rows(staging, AIM, rows)
    with Staging(tmp_path / "two.db") as other:
        assert await load_rows(other, AIM, [dict(reversed(rows[0].items()))]) == digest
