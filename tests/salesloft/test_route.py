"""By which way an address is reached, read from the environment: pure, and without a secret in what is told."""

import pytest

from salesloft_mcp.errors import SettingsError
from salesloft_mcp.salesloft.route import SYSTEM, route_to
from salesloft_mcp.settings import network_variables

LIVE = "https://api.salesloft.com"
PROXY = {"HTTPS_PROXY": "http://ann:s3cret@proxy.corp.test:3128"}
BY_PROXY = "through the proxy proxy.corp.test:3128, named by HTTPS_PROXY"


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({}, "directly"),
        (PROXY, BY_PROXY),
        ({"ALL_PROXY": "proxy.corp.test"}, "through the proxy proxy.corp.test:80, named by ALL_PROXY"),
        (PROXY | {"ALL_PROXY": "socks5://other.test"}, BY_PROXY),
        ({"HTTPS_PROXY": "https://[fd00::1]"}, "through the proxy [fd00::1]:443, named by HTTPS_PROXY"),
        (
            {"HTTP_PROXY": "http://proxy.corp.test"},
            "directly; HTTP_PROXY counts for http:// addresses only, HTTPS_PROXY for this one",
        ),
    ],
)
def test_the_way_to_the_live_address_is_told_without_a_secret(variables: dict[str, str], told: str) -> None:
    route = route_to(LIVE, variables)
    assert route.told == told
    assert "s3cret" not in repr(route)


@pytest.mark.parametrize(
    ("exceptions", "direct"),
    [
        ("*", True),
        ("other.test, *", True),
        ("api.salesloft.com", True),
        ("SALESLOFT.com", True),
        (".salesloft.com", True),
        ("*.salesloft.com", True),
        ("other.test salesloft.com.", True),
        ("salesloft.com:443", True),
        ("salesloft.com:8443", False),
        ("loft.com", False),
        ("api.salesloft.com.evil.test", False),
        ("*.*", False),
        ("., ,*.", False),
        ("10.0.0.0/8", False),
    ],
)
def test_names_in_no_proxy_except_themselves_and_what_is_below_them(exceptions: str, direct: bool) -> None:
    assert route_to(LIVE, PROXY | {"NO_PROXY": exceptions}).told == ("directly, by NO_PROXY" if direct else BY_PROXY)


@pytest.mark.parametrize(
    ("url", "exceptions", "direct"),
    [
        ("https://10.1.2.3", "10.0.0.0/8", True),
        ("https://10.1.2.3:8443", "10.1.2.3:8443", True),
        ("https://10.1.2.3:8443", "10.0.0.0/8:443", False),
        ("https://10.1.2.3", "10.1.2.9/24", True),
        ("https://11.1.2.3", "10.0.0.0/8, 11.1.2.4", False),
        ("https://[fd00::7]:8443", "fd00::/8", True),
        ("https://[fd00::7]:8443", "[fd00::7]:8443", True),
        ("https://[fd00::7]:8443", "[fd00::7]:443, 10.0.0.0/8, fe80::7", False),
    ],
)
def test_addresses_in_no_proxy_may_be_networks(url: str, exceptions: str, direct: bool) -> None:
    assert (route_to(url, PROXY | {"NO_PROXY": exceptions}).proxy is None) == direct


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1:8765",
        "localhost",
        "LOCALHOST.",
        "[::1]:1",
        "127.9.9.9",
        "a.localhost",
        "[::ffff:127.0.0.1]",
        "0.0.0.0",
    ],
)
def test_loopback_is_reached_directly_whatever_the_variables_say(host: str) -> None:
    everything = dict.fromkeys(("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY"), "http://proxy.corp.test:3128")
    for scheme in ("http", "https"):
        assert route_to(f"{scheme}://{host}", everything, {"http": "p:1", "https": "p:1"}).told == "directly"


@pytest.mark.parametrize(
    "value",
    [
        "http://ann:12/s3cret@proxy.corp.test:8080",
        "http://ann:12#s3cret@proxy.corp.test:8080",
        "ann:1?s3cret@proxy.corp.test:8080",
        "http://ann:s3cret/@proxy.corp.test",
        "http://ann:s3cret@",
        "${HTTPS_PROXY}",
        "<s3cret>",
        "ftp://ann:s3cret@proxy.corp.test",
        "http://ann:s3cret@proxy.corp.test:99999",
        "http://proxy corp:8080",
        "socks5h://ann:s3cret@proxy.corp.test:1080",
    ],
)
def test_what_is_no_address_of_a_proxy_is_refused_by_its_name_and_not_shown(value: str) -> None:
    with pytest.raises(SettingsError) as caught:
        route_to(LIVE, {"HTTPS_PROXY": value})
    assert caught.value.field == "HTTPS_PROXY"
    assert caught.value.next_step
    assert not any(part in str(caught.value) for part in ("s3cret", "ann", "corp", "${"))


def test_the_system_s_own_proxy_counts_where_no_variable_names_one() -> None:
    system = {"https": "http://proxy.corp.test:3128"}
    assert route_to(LIVE, {}, system).told == f"through the proxy proxy.corp.test:3128, named by {SYSTEM}"
    assert "by ALL_PROXY" in route_to(LIVE, {"ALL_PROXY": "other.test:1"}, system).told


def test_whose_certificates_are_believed_is_told() -> None:
    assert route_to(LIVE, {}).trust_told == "by the operating system's certificates"
    files = {"SSL_CERT_FILE": "/etc/corp.pem", "SSL_CERT_DIR": "/etc/corp"}
    told = route_to(LIVE, files).trust_told
    assert '"/etc/corp.pem" that SSL_CERT_FILE names' in told
    assert '"/etc/corp" that SSL_CERT_DIR names' in told
    assert route_to("http://127.0.0.1:1", files).trust_told == ""


def test_names_in_small_letters_win_and_blank_ones_are_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in [("HTTPS_PROXY", "big:1"), ("https_proxy", " small:1 "), ("NO_PROXY", "a"), ("no_proxy", "  ")]:
        monkeypatch.setenv(name, value)
    assert network_variables() == {"HTTPS_PROXY": "small:1", "NO_PROXY": "a"}
