"""A page is seen and answered only by the browser that it was opened in."""

import re
import secrets
from contextlib import suppress

import anyio
import httpx
import pytest

from salesloft_mcp.browser.loopback import Loopback, open_loopback
from salesloft_mcp.browser.visits import Visits
from tests.browser.conftest import Question
from tests.browser.desk import Visitor
from tests.hosting.program import HANG_SECONDS

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(("choice", "answer"), [("yes", True), ("no", False)])
async def test_whoever_comes_first_sees_the_page_and_answers_it(
    visits: Visits, number: str, question: Question, choice: str, answer: bool
) -> None:
    async with Visitor() as person:
        assert "Delete it?" in await person.visit(await visits.address(number))
        assert "You can close this window." in await person.press(choice)
    assert question.answers == [(answer, "")]


async def test_the_address_of_the_page_that_is_shown_holds_no_secret_and_may_be_reloaded(
    visits: Visits, number: str
) -> None:
    async with Visitor() as person:
        address = await visits.address(number)
        shown = await person.visit(address)
        assert address.rpartition("/")[2] not in f"{person.page.url}{shown}"
        assert await person.visit(str(person.page.url)) == shown


async def test_an_address_counts_once(visits: Visits, number: str, question: Question) -> None:
    async with Visitor() as person, Visitor() as other:
        address = await visits.address(number)
        await person.visit(address)
        for visitor in (other, person):
            assert "This address was used already" in await visitor.visit(address)
            assert visitor.page.status_code == 403
        await other.visit(str(person.page.url))
    assert question.answers == []


async def test_another_browser_that_knows_where_the_page_is_sees_nothing_of_it(visits: Visits, number: str) -> None:
    async with Visitor() as person, Visitor() as other:
        await person.visit(await visits.address(number))
        shown = await other.visit(str(person.page.url))
        assert other.page.status_code == 403
        assert "belongs to another browser" in shown
        assert "make the same call again" in shown
        assert "Delete it?" not in shown


async def test_nobody_answers_without_the_cookie_even_with_what_the_form_holds(
    visits: Visits, number: str, question: Question
) -> None:
    async with Visitor() as person, Visitor() as other:
        await person.visit(await visits.address(number))
        other.page = person.page
        assert "belongs to another browser" in await other.press("yes")
    assert question.answers == []


@pytest.mark.parametrize("token", ["", "guess", "é", "x" * 43])
async def test_nobody_answers_without_what_the_form_holds(
    visits: Visits, number: str, question: Question, token: str
) -> None:
    async with Visitor() as person:
        await person.visit(await visits.address(number))
        assert "did not come from the form" in await person.press("yes", token=token)
        assert person.page.status_code == 403
    assert question.answers == []


@pytest.mark.parametrize(
    "origin", ["https://evil.test", "null", "http://127.0.0.1", "http://127.0.0.1:1", "http://localhost:{port}"]
)
async def test_a_form_on_another_page_answers_nothing_even_in_the_same_browser(
    visits: Visits, number: str, question: Question, origin: str
) -> None:
    async with Visitor() as person:
        await person.visit(await visits.address(number))
        shown = await person.press("yes", origin=origin.format(port=person.page.url.port))
        assert person.page.status_code == 403
        assert "Another page has sent this" in shown
    assert question.answers == []


async def test_what_comes_without_an_origin_answers_nothing(visits: Visits, number: str, question: Question) -> None:
    async with Visitor() as person:
        await person.visit(await visits.address(number))
        answer = await person.http.post(person.page.url, data={**person.form(), "choice": "yes"})
    assert answer.status_code == 403
    assert question.answers == []


@pytest.mark.parametrize("host", ["evil.test", "evil.test:{port}", "localhost:{port}", "127.0.0.1", "127.0.0.1:1", ""])
async def test_a_name_that_was_made_to_lead_to_this_machine_is_not_served(
    visits: Visits, number: str, question: Question, host: str
) -> None:
    address = await visits.address(number)
    port = httpx.URL(address).port
    async with Visitor() as person:
        answer = await person.http.get(address, headers={"Host": host.format(port=port)})
        assert answer.status_code in (400, 421)
        assert "Delete it?" not in answer.text
        assert "Delete it?" in await person.visit(address)  # it was not used up


@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT", "OPTIONS"])
async def test_only_a_visit_uses_an_address_up(visits: Visits, number: str, method: str) -> None:
    address = await visits.address(number)
    async with Visitor() as person:
        origin = address.rpartition("/open/")[0]
        answer = await person.http.request(method, address, headers={"Origin": origin})
        assert answer.status_code in (403, 405)
        assert "Delete it?" in await person.visit(address)


async def test_guesses_lead_nowhere(visits: Visits, loopback: Loopback, number: str, question: Question) -> None:
    address = await visits.address(number)
    right = address.rpartition("/")[2]
    guesses = [secrets.token_urlsafe(32), right[:-1], f"{right}x", right.swapcase(), "", "../open", "%00", "é"]
    async with Visitor() as other:
        for guess in guesses:
            await other.visit(f"{loopback.origin}/open/{guess}")
            assert other.page.status_code in (403, 404), guess
        for path in ("", "page", "page/", f"page/{right}", "open", "show/x", "favicon.ico"):
            await other.visit(f"{loopback.origin}/{path}")
            assert other.page.status_code in (403, 404), path
        assert len(right) >= 43  # 32 bytes
    assert question.answers == []


async def test_a_second_tab_of_the_same_browser_says_that_it_was_answered(
    visits: Visits, number: str, question: Question
) -> None:
    async with Visitor() as person:
        await person.visit(await visits.address(number))
        second = person.page
        await person.press("no")
        person.page = second
        assert "Answered" in await person.visit(str(second.url))


async def test_an_answer_that_is_sent_again_is_handed_to_whoever_asked_which_counts_it_once(
    visits: Visits, number: str, question: Question
) -> None:
    async with Visitor() as person:
        await person.visit(await visits.address(number))
        before = person.page
        await person.press("no")
        person.page = before
        assert "Answered" in await person.press("yes")
    assert question.answers == [(False, ""), (True, "")]  # tests/server/test_page.py holds that the second is nothing


async def test_a_page_that_is_opened_again_belongs_to_the_browser_that_came_last(
    visits: Visits, number: str, question: Question
) -> None:
    async with Visitor() as before, Visitor() as person:
        first = await visits.address(number)
        await before.visit(await visits.address(number))
        await person.visit(await visits.address(number))
        assert "belongs to another browser" in await before.press("yes")
        assert "used already" in await before.visit(first)
        await person.press("no")
    assert question.answers == [(False, "")]


@pytest.mark.parametrize("choice", ["maybe", "", "YES"])
async def test_without_a_button_nothing_is_answered(
    visits: Visits, number: str, question: Question, choice: str
) -> None:
    async with Visitor() as person:
        await person.visit(await visits.address(number))
        assert "No button was pressed" in await person.press(choice)
    assert question.answers == []


async def test_a_field_that_comes_twice_is_none(visits: Visits, number: str, question: Question) -> None:
    async with Visitor() as person:
        await person.visit(await visits.address(number))
        url, token = person.page.url, person.form()["token"]
        headers = {
            "Origin": f"{url.scheme}://{url.netloc.decode()}",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        answer = await person.http.post(url, content=f"token={token}&choice=no&choice=yes", headers=headers)
    assert answer.status_code == 400
    assert question.answers == []


async def test_another_name_is_told_and_the_question_stays(visits: Visits, number: str, question: Question) -> None:
    question.name = "crm & <co>"
    async with Visitor() as person:
        await person.visit(await visits.address(number))
        for typed in ("", "crm", "CRM & <CO>", "crm & <co> "):
            shown = await person.press("yes", typed=typed)
            assert 'role="alert">Another name was typed.' in shown
            assert 'aria-invalid="true"' in shown
        assert "Answered" in await person.press("yes", typed="crm & <co>")
    assert question.answers == [(True, "crm & <co>")]


async def test_half_of_an_answer_is_none(visits: Visits, number: str, question: Question) -> None:
    async with Visitor() as person:
        await person.visit(await visits.address(number))
        url, cookie = person.page.request.url, person.page.request.headers["cookie"]
        half = f"token={person.form()['token']}&choice=yes"
        head = f"POST {url.path} HTTP/1.1\r\nHost: {url.netloc.decode()}\r\nOrigin: http://{url.netloc.decode()}\r\n"
        head += f"Cookie: {cookie}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000\r\n\r\n"
        async with await anyio.connect_tcp("127.0.0.1", url.port or 0) as connection:
            await connection.send((head + half).encode())
        assert "Delete it?" in await person.visit(str(url))
    assert question.answers == []


async def test_more_than_a_form_holds_is_not_read(visits: Visits, number: str, question: Question) -> None:
    async with Visitor() as person:
        await person.visit(await visits.address(number))
        await person.press("yes", typed="x" * 20_000)
        assert person.page.status_code == 413
    assert question.answers == []


async def test_every_answer_forbids_what_a_page_of_ours_never_does(
    visits: Visits, loopback: Loopback, number: str
) -> None:
    async with Visitor() as person:
        await person.visit(await visits.address(number))
        pages = [person.page, *person.page.history, await person.http.get(f"{loopback.origin}/nothing")]
    for page in pages:
        policy = page.headers["content-security-policy"]
        style = r"style-src 'sha256-[\w+/=]{44}'"
        rest = "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
        assert re.fullmatch(f"default-src 'none'; {style}; {rest}", policy)
        assert page.headers["cache-control"] == "no-store"
        assert page.headers["x-content-type-options"] == "nosniff"
        assert page.headers["x-frame-options"] == "DENY"
        assert page.headers["referrer-policy"] == "same-origin"
        assert "server" not in page.headers
    (cookie,) = [page.headers["set-cookie"] for page in pages if "set-cookie" in page.headers]
    assert re.fullmatch(rf"page=[\w-]{{43}}; Path=/page/{number}; HttpOnly; SameSite=Lax", cookie)


async def test_only_digests_of_secrets_are_kept(visits: Visits, number: str) -> None:
    async with Visitor() as person:
        address = await visits.address(number)
        assert address.rpartition("/")[2] not in repr(vars(visits))
        await person.visit(address)
        (cookie,) = person.http.cookies.jar
        assert str(cookie.value) not in repr(vars(visits))


async def test_a_page_that_nobody_keeps_any_more_says_that_it_is_closed(
    visits: Visits, number: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("salesloft_mcp.browser.visits.MOST_PAGES", 2)
    async with Visitor() as person:
        await person.visit(await visits.address(number))
        for _ in range(2):
            visits.add(Question())
        assert "This page is closed" in await person.press("yes")


async def test_the_port_is_closed_with_the_program() -> None:
    async with open_loopback() as loopback:
        address = await loopback.start()
        assert address.startswith("http://127.0.0.1:")
    async with Visitor() as person:
        with pytest.raises(httpx.ConnectError):
            await person.visit(address)


async def test_what_a_caller_raises_reaches_whoever_opened_the_server() -> None:
    async def opening() -> None:
        async with open_loopback() as loopback:
            await loopback.start()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await opening()


GARBAGE = [
    b"\0" * 100,
    b"GET / HTTP/1.1\r\n\r\n",
    b"GET http://evil.test/ HTTP/1.1\r\nHost: evil.test\r\n\r\n",
    b"POST /page/x HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\nContent-Length: 9999999999\r\n\r\n",
    b"POST /page/x HTTP/1.1\r\nHost: {host}\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"GET /open/" + b"x" * 70_000 + b" HTTP/1.1\r\nHost: {host}\r\n\r\n",
    b"GET /page/%ff%00 HTTP/1.1\r\nHost: {host}\r\nCookie: page=\xff\xfe\r\n\r\n",
    b"GET /page/x HTTP/1.1\r\nHost: {host}\r\nHost: evil.test\r\n\r\n",
]


async def test_what_is_no_request_of_a_browser_neither_ends_the_server_nor_shows_anything(
    visits: Visits, number: str
) -> None:
    address = await visits.address(number)
    host = httpx.URL(address).netloc
    for garbage in GARBAGE:
        async with await anyio.connect_tcp("127.0.0.1", httpx.URL(address).port or 0) as stream:
            await stream.send(garbage.replace(b"{host}", host))
            await stream.send_eof()
            answer = b""
            with suppress(anyio.EndOfStream, anyio.BrokenResourceError), anyio.move_on_after(HANG_SECONDS):
                while True:
                    answer += await stream.receive()
        assert b"Delete it?" not in answer
        assert b" 200 " not in answer.partition(b"\r\n")[0]
    async with Visitor() as person:
        assert "Delete it?" in await person.visit(address)
