"""A sign-in is renewed before it ends, once, by one at a time, and kept before it is used; and its end is told."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import anyio
import httpx
import pytest
from pydantic import SecretStr

from salesloft_mcp import errors
from salesloft_mcp.salesloft.budget import Budget
from salesloft_mcp.salesloft.call import open_call, sent_within
from salesloft_mcp.salesloft.client import Salesloft
from salesloft_mcp.salesloft.credential import Credential, Key
from salesloft_mcp.salesloft.http import open_http
from salesloft_mcp.salesloft.inprocess import InProcess
from salesloft_mcp.sandbox import Fault, Sandbox
from salesloft_mcp.state.credentials import Credentials, SignIn
from tests.signing_in import HOW, URL, Clock, Ring, application, kept_in, over, sign_in, token_requests

pytestmark = [pytest.mark.anyio, pytest.mark.steady]

TOKEN, MAPPINGS = "/oauth/token", b"/v2/external/mappings"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sandbox(clock: Clock) -> Iterator[Sandbox]:
    with Sandbox(clock=clock) as sandbox:
        yield sandbox


@pytest.fixture
def credentials(tmp_path: Path) -> Credentials:
    return kept_in(tmp_path)


async def read(sandbox: Sandbox, credential: Credential) -> int:
    """Ask who it is; how many 401 came."""
    return await asked(sandbox, credential, lambda api: api.me())


async def write(sandbox: Sandbox, credential: Credential) -> int:
    return await asked(sandbox, credential, lambda api: api.create_mapping("crm_lead", "people", "new", 578495206))


async def asked(sandbox: Sandbox, credential: Credential, verb: object) -> int:
    before = len(sandbox.requests)
    async with open_http(URL, credential, InProcess(sandbox), Budget(600), agent="tests") as http:
        await verb(Salesloft(http))  # type: ignore[operator]
    return [one.status for one in list(sandbox.requests)[before:]].count(401)


async def test_a_token_that_is_good_is_used_as_it_is(sandbox: Sandbox, credentials: Credentials, clock: Clock) -> None:
    await sign_in(sandbox, credentials, clock=clock)
    signed_in = over(sandbox, credentials, clock)
    assert await read(sandbox, signed_in) == 0
    clock.now += 7000
    assert await read(sandbox, signed_in) == 0
    assert token_requests(sandbox) == 1


async def test_a_token_is_renewed_before_it_ends_and_kept_before_it_is_used(
    sandbox: Sandbox, credentials: Credentials, clock: Clock
) -> None:
    first = await sign_in(sandbox, credentials, clock=clock)
    clock.now += 7100
    signed_in = over(sandbox, credentials, clock)
    token = await signed_in.token()
    assert token != first.access_token
    kept = await credentials.read()
    assert kept is not None
    assert kept == replace(first, access_token=token, refresh_token=kept.refresh_token, expires_at=clock.now + 7200)
    assert kept.refresh_token != first.refresh_token
    assert await read(sandbox, signed_in) == 0
    assert token_requests(sandbox) == 2


async def test_a_token_that_lives_shortly_is_not_renewed_all_the_time(credentials: Credentials, clock: Clock) -> None:
    with Sandbox(clock=clock, token_seconds=60) as sandbox:
        await sign_in(sandbox, credentials, clock=clock)
        clock.now += 50
        await read(sandbox, over(sandbox, credentials, clock))
        assert token_requests(sandbox) == 1


@pytest.mark.parametrize("verb", [read, write], ids=["a read", "a write"])
async def test_a_request_that_is_refused_in_mid_use_is_repeated_once_with_a_newer_token(
    sandbox: Sandbox, credentials: Credentials, clock: Clock, verb: object
) -> None:
    found = await sign_in(sandbox, credentials, clock=clock)
    del sandbox.authority.callers[found.access_token.get_secret_value()]
    assert await verb(sandbox, over(sandbox, credentials, clock)) == 1  # type: ignore[operator]
    assert token_requests(sandbox) == 2
    if verb is write:
        assert [one.status for one in sandbox.requests if one.raw_path == MAPPINGS] == [401, 200]


async def test_a_newer_token_that_is_refused_too_is_told_and_not_renewed_again(
    sandbox: Sandbox, credentials: Credentials, clock: Clock
) -> None:
    await sign_in(sandbox, credentials, clock=clock)
    sandbox.faults.add(Fault("status", path="/v2/me", status=401, times=None))
    with pytest.raises(errors.UnauthorizedError, match="does not accept this token"):
        await read(sandbox, over(sandbox, credentials, clock))
    assert token_requests(sandbox) == 2


async def test_a_401_of_something_in_between_renews_nothing(
    sandbox: Sandbox, credentials: Credentials, clock: Clock
) -> None:
    await sign_in(sandbox, credentials, clock=clock)
    for body in (b"<html>Please sign in</html>", b"", b"x" * 100_000):
        sandbox.faults.add(Fault("raw", path="/v2/external/mappings", status=401, body=body))
        with pytest.raises(errors.UnknownOutcomeError):
            await write(sandbox, over(sandbox, credentials, clock))
    assert token_requests(sandbox) == 1


async def test_a_key_of_the_settings_is_never_renewed(sandbox: Sandbox) -> None:
    with pytest.raises(errors.UnauthorizedError):
        await read(sandbox, Key(SecretStr("ak-wrong")))
    assert [one.status for one in sandbox.requests] == [401]


async def test_an_api_key_that_was_refused_once_has_not_ended_for_good(
    sandbox: Sandbox, credentials: Credentials
) -> None:
    key = SecretStr(sandbox.api_key)
    await credentials.keep(
        replace(await sign_in(sandbox, credentials), grant="api_key", access_token=key, expires_at=0.0)
    )
    sandbox.faults.add(Fault("status", status=401))
    with pytest.raises(errors.SignedOutError, match="does not know the API key"):
        await read(sandbox, over(sandbox, credentials))
    assert await read(sandbox, over(sandbox, credentials)) == 0
    kept = await credentials.read()
    assert kept
    assert kept.ended == ""


async def test_whoever_waited_takes_what_the_first_one_kept(
    sandbox: Sandbox, credentials: Credentials, clock: Clock, tmp_path: Path
) -> None:
    await sign_in(sandbox, credentials, clock=clock)
    clock.now += 7200
    tokens: list[SecretStr] = []

    async def take() -> None:
        tokens.append(await over(sandbox, kept_in(tmp_path), clock).token())  # as another process would

    async with anyio.create_task_group() as tasks:
        for _ in range(8):
            tasks.start_soon(take)
    assert len(set(map(SecretStr.get_secret_value, tokens))) == 1
    assert token_requests(sandbox) == 2


async def test_a_sign_in_of_another_process_is_used_from_the_next_request_on(
    sandbox: Sandbox, credentials: Credentials, clock: Clock, tmp_path: Path
) -> None:
    signed_in = over(sandbox, credentials, clock)
    with pytest.raises(errors.SignedOutError, match="no credential"):
        await read(sandbox, signed_in)
    assert not sandbox.requests
    await sign_in(sandbox, kept_in(tmp_path), clock=clock)
    assert await read(sandbox, signed_in) == 0
    await kept_in(tmp_path).remove()
    with pytest.raises(errors.SignedOutError, match="no credential"):
        await read(sandbox, signed_in)


async def test_where_nobody_answers_a_token_is_used_to_its_end_and_the_sign_in_stays(
    sandbox: Sandbox, credentials: Credentials, clock: Clock
) -> None:
    await sign_in(sandbox, credentials, clock=clock)
    sandbox.faults.add(Fault("status", path=TOKEN, status=503, times=2))
    clock.now += 7150
    signed_in = over(sandbox, credentials, clock)
    assert await read(sandbox, signed_in) == 0
    clock.now += 50
    with pytest.raises(errors.UnreachableError, match="503"):
        await read(sandbox, signed_in)
    assert await read(sandbox, signed_in) == 0


@pytest.mark.parametrize(
    "answer",
    [
        Fault("raw", path=TOKEN, status=400, body=b"<html>proxy</html>"),
        Fault("raw", path=TOKEN, status=200, body=b"{}"),
        Fault("raw", path=TOKEN, status=200, body=b'{"access_token": "with space"}'),
        Fault("truncated", path=TOKEN),
        Fault("raw", path=TOKEN, status=302),
    ],
    ids=["a page", "no token", "no token that can be sent", "cut", "a redirect"],
)
async def test_an_answer_that_says_nothing_of_the_refresh_ends_no_sign_in(
    sandbox: Sandbox, credentials: Credentials, clock: Clock, answer: Fault
) -> None:
    await sign_in(sandbox, credentials, clock=clock)
    sandbox.faults.add(answer)
    clock.now += 7200
    with pytest.raises(errors.UnreachableError):
        await read(sandbox, over(sandbox, credentials, clock))
    kept = await credentials.read()
    assert kept is not None
    assert kept.ended == ""


async def test_a_connection_that_dies_before_the_refresh_is_tried_again(
    sandbox: Sandbox, credentials: Credentials, clock: Clock
) -> None:
    await sign_in(sandbox, credentials, clock=clock)
    sandbox.faults.add(Fault("reset", path=TOKEN, times=2))
    clock.now += 7200
    assert await read(sandbox, over(sandbox, credentials, clock)) == 0


async def test_a_sign_in_that_is_over_says_so_and_what_to_do_and_asks_no_more(
    sandbox: Sandbox, credentials: Credentials, clock: Clock, tmp_path: Path
) -> None:
    await sign_in(sandbox, credentials, clock=clock)
    sandbox.authority.end_sign_ins()
    clock.now += 7200
    for _ in range(2):
        with pytest.raises(errors.SignedOutError, match="invalid_grant") as caught:
            await read(sandbox, over(sandbox, kept_in(tmp_path), clock))
        assert HOW in caught.value.next_step
    assert token_requests(sandbox) == 2


async def test_what_cannot_be_renewed_is_used_until_salesloft_refuses_it(
    sandbox: Sandbox, credentials: Credentials, clock: Clock
) -> None:
    found = await sign_in(sandbox, credentials, clock=clock)
    await credentials.keep(replace(found, refresh_token=SecretStr("")))
    clock.now += 7150
    signed_in = over(sandbox, credentials, clock)
    assert await read(sandbox, signed_in) == 0
    clock.now += 50
    with pytest.raises(errors.SignedOutError, match="no refresh token"):
        await read(sandbox, signed_in)


async def test_a_private_application_fetches_a_new_token(
    sandbox: Sandbox, credentials: Credentials, clock: Clock
) -> None:
    found = await sign_in(sandbox, credentials, clock=clock)
    await credentials.keep(replace(found, grant="client_credentials", refresh_token=SecretStr("")))
    clock.now += 7200
    assert await read(sandbox, over(sandbox, credentials, clock)) == 0


async def test_a_secret_that_the_server_repeats_is_not_told(
    sandbox: Sandbox, credentials: Credentials, clock: Clock
) -> None:
    found = await sign_in(sandbox, credentials, clock=clock)
    refresh, secret = found.refresh_token.get_secret_value(), application(sandbox).secret.get_secret_value()
    body = f'{{"error": "invalid_grant", "error_description": "{refresh} {secret}"}}'.encode()
    sandbox.faults.add(Fault("raw", path=TOKEN, status=400, body=body))
    clock.now += 7200
    with pytest.raises(errors.SignedOutError) as caught:
        await read(sandbox, over(sandbox, credentials, clock))
    told = str(caught.value)
    assert "[token]" in told
    assert refresh not in told
    assert secret not in told


async def test_what_could_not_be_kept_is_not_used_and_is_kept_by_the_next_attempt(
    sandbox: Sandbox, credentials: Credentials, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await sign_in(sandbox, credentials, clock=clock)
    clock.now += 7200
    signed_in = over(sandbox, credentials, clock)
    real = credentials.keep

    async def full(_: SignIn) -> SignIn:
        raise errors.StateError("the disk is full.")

    monkeypatch.setattr(credentials, "keep", full)
    for _ in range(2):
        with pytest.raises(errors.UnreachableError, match="disk is full"):
            await read(sandbox, signed_in)
    monkeypatch.setattr(credentials, "keep", real)
    assert await read(sandbox, signed_in) == 0
    assert token_requests(sandbox) == 2


async def test_a_caller_that_goes_away_in_mid_refresh_loses_nothing(
    sandbox: Sandbox, credentials: Credentials, clock: Clock
) -> None:
    first = await sign_in(sandbox, credentials, clock=clock)
    clock.now += 7200
    sandbox.faults.add(Fault("late_commit", path=TOKEN, seconds=1.0))
    with anyio.move_on_after(0.5):
        await over(sandbox, credentials, clock).token()
    kept = await credentials.read()
    assert kept is not None
    assert kept.access_token != first.access_token
    assert await read(sandbox, over(sandbox, credentials, clock)) == 0


async def test_a_caller_that_goes_away_does_not_wait_for_a_server_that_is_silent(
    sandbox: Sandbox, credentials: Credentials, clock: Clock
) -> None:
    await sign_in(sandbox, credentials, clock=clock)
    clock.now += 7200
    sandbox.faults.add(Fault("delay", path=TOKEN, seconds=9.0))
    began = anyio.current_time()
    with anyio.move_on_after(0.5):
        await over(sandbox, credentials, clock).token()
    assert anyio.current_time() - began < 2.5


async def test_a_call_that_began_for_one_team_does_nothing_for_another(
    sandbox: Sandbox, credentials: Credentials, clock: Clock
) -> None:
    await sign_in(sandbox, credentials, clock=clock)
    signed_in = over(sandbox, credentials, clock)
    forgotten: list[str] = []
    signed_in.on_login = [lambda: forgotten.append("the team")]
    with open_call():
        assert await read(sandbox, signed_in) == 0
        await sign_in(sandbox, credentials, clock=clock)  # once more for the same team
        assert await read(sandbox, signed_in) == 0
        await sign_in(sandbox, credentials, clock=clock, team="7")
        with pytest.raises(errors.SignedOutError, match="another team"):
            await write(sandbox, signed_in)
    assert MAPPINGS not in {one.raw_path for one in sandbox.requests}
    with open_call():
        assert await read(sandbox, signed_in) == 0
    assert len(forgotten) == 3


@pytest.mark.parametrize(("first", "second"), [("7", ""), ("", ""), ("", "7")])
async def test_a_call_goes_on_with_another_sign_in_only_where_both_teams_are_known(
    sandbox: Sandbox, credentials: Credentials, clock: Clock, first: str, second: str
) -> None:
    await sign_in(sandbox, credentials, clock=clock, team=first)
    signed_in = over(sandbox, credentials, clock)
    with open_call():
        with sent_within(60):
            assert await read(sandbox, signed_in) == 0
        clock.now += 7200
        assert await read(sandbox, signed_in) == 0  # a renewed one is the same
        await sign_in(sandbox, credentials, clock=clock, team=second)
        with pytest.raises(errors.SignedOutError, match="maybe for another team"):
            await write(sandbox, signed_in)
    assert MAPPINGS not in {one.raw_path for one in sandbox.requests}


async def test_what_a_killed_process_has_left_in_the_keyring_alone_is_found_by_those_that_run(
    sandbox: Sandbox, credentials: Credentials, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    ring = Ring()
    monkeypatch.setattr("salesloft_mcp.state.keyrings.system_keyring", lambda: ring)
    found = await credentials.keep(replace(await sign_in(sandbox, credentials, clock=clock), kept="keyring"))
    signed_in = over(sandbox, credentials, clock)
    assert await read(sandbox, signed_in) == 0
    stamp = credentials.stamp()
    newer = await over(sandbox, credentials, clock).renewed(found.access_token)
    assert newer is not None
    del sandbox.authority.callers[found.access_token.get_secret_value()]
    monkeypatch.setattr(credentials, "stamp", lambda: stamp)  # as if the file was not written
    assert await read(sandbox, signed_in) == 1
    assert token_requests(sandbox) == 2


async def test_a_token_of_another_team_that_came_while_one_waited_is_not_taken(
    sandbox: Sandbox, credentials: Credentials, clock: Clock, tmp_path: Path
) -> None:
    await sign_in(sandbox, credentials, clock=clock)
    clock.now += 7200
    refusals: list[str] = []

    async def ask() -> None:
        with open_call(), pytest.raises(errors.SignedOutError) as caught:
            await read(sandbox, over(sandbox, credentials, clock))
        refusals.append(caught.value.what)

    async with anyio.create_task_group() as tasks:
        async with kept_in(tmp_path).locked():
            tasks.start_soon(ask)
            await anyio.sleep(1)
            await sign_in(sandbox, credentials, clock=clock, team="7")
    assert "another team" in refusals[0]
    assert b"/v2/me" not in {one.raw_path for one in sandbox.requests}


async def test_whoever_waits_for_a_renewal_waits_no_longer_than_its_call_may(
    sandbox: Sandbox, credentials: Credentials, clock: Clock, tmp_path: Path
) -> None:
    await sign_in(sandbox, credentials, clock=clock)
    clock.now += 7200
    began = anyio.current_time()
    async with kept_in(tmp_path).locked():
        with open_call(5.0), pytest.raises(errors.UnreachableError, match="another process"):
            await read(sandbox, over(sandbox, credentials, clock))
    assert anyio.current_time() - began < 6


async def test_a_sign_in_with_another_application_than_the_settings_name_does_not_count(
    sandbox: Sandbox, credentials: Credentials, clock: Clock
) -> None:
    await sign_in(sandbox, credentials, clock=clock)
    with pytest.raises(errors.SignedOutError, match="another application"):
        await read(sandbox, over(sandbox, credentials, clock, client_id="other"))
    assert await read(sandbox, over(sandbox, credentials, clock, client_id=application(sandbox).id)) == 0


async def test_no_secret_shows_in_the_form_of_a_sign_in(
    sandbox: Sandbox, credentials: Credentials, clock: Clock
) -> None:
    found = await sign_in(sandbox, credentials, clock=clock)
    shown = f"{found!r} {found} {over(sandbox, credentials, clock).__dict__}"
    for name in ("access_token", "refresh_token", "client_secret"):
        assert getattr(found, name).get_secret_value() not in shown


async def test_logins_are_noticed_and_renewals_are_none(
    sandbox: Sandbox, credentials: Credentials, clock: Clock
) -> None:
    signed_in = over(sandbox, credentials, clock)
    seen: list[str] = []

    async def look() -> None:
        async for _ in signed_in.logins():
            seen.append("login")

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(look)
        await anyio.sleep(5)
        assert seen == []
        await sign_in(sandbox, credentials, clock=clock)
        await anyio.sleep(5)
        assert len(seen) == 1
        clock.now += 7200
        await signed_in.token()
        await anyio.sleep(5)
        assert len(seen) == 1
        await sign_in(sandbox, credentials, clock=clock)
        await anyio.sleep(5)
        assert len(seen) == 2
        tasks.cancel_scope.cancel()


async def test_an_origin_that_is_not_salesloft_gets_no_token_and_needs_none(
    sandbox: Sandbox, credentials: Credentials, clock: Clock
) -> None:
    seen: list[httpx.Request] = []

    def serve(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(401, json={"error": "no"})

    wire = httpx.MockTransport(serve)
    async with open_http(URL, over(sandbox, credentials, clock), wire, Budget(600), agent="tests") as http:
        await http.get("https://elsewhere.test/")
    assert "authorization" not in seen[0].headers
