"""What forms and templates leave behind is told from values."""

from salesloft_mcp.placeholders import left_behind

PLACE_HOLDERS = [
    *("${user_config.api_key}", "${input:key}", "$KEY", "$(cat key)", "/home/$USER/state", "https://${HOST}"),
    *("{{key}}", "{{ key }}", "{api_key}", "[your-key]", "<your key>", "#{KEY}#", "__KEY__", "@@KEY@@"),
    *("%KEY%", "%APPDATA%\\state", "C:\\Users\\%USERNAME%\\state", "op://vault/salesloft/key"),
    *("undefined", "null", "None", "NULL"),
]
QUOTED = ["'v'", '"v"', '"v', "v'", "`v`", "\u201cv\u201d", "\u2018v\u2019", "\u201ev\u201c", "\u00abv\u00bb"]
UNSEEN = ["v\n", "v\r\n", " v", "v ", "v\t", "\ufeffv", "v\u200b", "\u00a0v", "\ufeff", "\u200b"]
VALUES = [
    *(
        "https://api.salesloft.com",
        "https://[::1]:8443",
        "https://proxy.corp.test/a%2Fb%20c%C3%A4%41",
        "read-only",
        "570",
    ),
    *("C:\\a b~1\\state", "/home/ann/$", "/srv/100%/50%", "/data/{x}", "~/state", "ak_0f~9.-+/=", "a@b.c", "@a/b"),
]


def test_place_holders_of_all_kinds_are_told_as_such() -> None:
    for text in PLACE_HOLDERS:
        assert left_behind(text).startswith("is a place-holder"), text


def test_quotation_marks_are_told_and_so_is_what_nobody_sees() -> None:
    assert all("quotation marks" in left_behind(text) for text in QUOTED)
    assert all("nobody sees" in left_behind(text) for text in UNSEEN)


def test_values_are_left_alone() -> None:
    assert [text for text in VALUES if left_behind(text)] == []
