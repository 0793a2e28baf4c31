"""Domains and e-mail addresses have many spellings, and one by which they are compared."""

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from salesloft_mcp.intake import emails
from salesloft_mcp.intake.domains import MOST_SPELLINGS, bare, host, in_ascii, in_letters, spellings


@pytest.mark.parametrize(
    "text",
    [
        "trainers.test", "TRAINERS.test.", "www.trainers.test", "www.www.trainers.test", "https://www.trainers.test/en-gb/",
        "http://trainers.test:80", "//trainers.test", " trainers.test\u00a0", "https://me@trainers.test?x=1#y",
        "trainers.test\\a",
        "<https://trainers.test>", "trainers\u3002test", "\uff54rainers.test", "tr\u00adainers.test",
    ],
)  # fmt: skip
def test_a_domain_is_compared_as_a_host(text: str) -> None:
    assert host(text) == "trainers.test"


@pytest.mark.parametrize("text", ["awww.co.uk", "mywww.acme.test", "shop.www.acme.test"])
def test_www_inside_of_a_name_is_part_of_it(text: str) -> None:
    assert host(text) == bare(f"https://{text}/") == text


@pytest.mark.parametrize("text", ["www.test", "https://www.test/", "WWW.test"])
def test_www_is_a_name_where_it_is_the_whole_of_it(text: str) -> None:
    assert host(text) == "www.test"


@pytest.mark.parametrize(
    ("letters", "ascii_form"),
    [
        ("münchen.test", "xn--mnchen-3ya.test"),
        ("straße.test", "xn--strae-oqa.test"),
        ("bücher.例え.test", "xn--bcher-kva.xn--r8jz45g.test"),
        ("i❤.test", "xn--i-7iq.test"),  # which the rules of 2008 refuse, and many sell
    ],
)
def test_both_forms_of_an_international_name_are_one(letters: str, ascii_form: str) -> None:
    assert (in_ascii(letters), in_letters(ascii_form)) == (ascii_form, letters)
    for text in (letters, ascii_form, f"https://www.{letters.title()}/de", unicodedata.normalize("NFD", letters)):
        assert host(text) == ascii_form
    assert ascii_form in spellings(letters)
    assert letters in spellings(ascii_form)


@pytest.mark.parametrize(
    ("text", "name"),
    [("acme.test//contact", "acme.test"), ("www.n1.test//contact", "n1.test"), ("http//bolt.test", "http")],
)
def test_two_slashes_begin_a_host_only_where_nothing_but_a_scheme_is_before_them(text: str, name: str) -> None:
    assert host(text) == name


def test_other_names_are_other_hosts() -> None:
    names = [
        "münchen.test",
        "munchen.test",
        "muenchen.test",
        "straße.test",
        "strasse.test",
        "x.test",
        "xx.test",
        "x.test.evil",
    ]
    assert len(set(map(host, names))) == len(names)


@pytest.mark.parametrize("name", ["xn--harbor-foods-.test", "xn--.test", "xn--99999999.test", "a_b.test"])
def test_what_is_no_ascii_form_stays(name: str) -> None:
    assert in_letters(name) == in_ascii(name) == name


def test_letters_of_its_own_stay_in_what_is_written() -> None:
    assert bare("https://www.MÜNCHEN.test/de") == "münchen.test"


@given(
    st.text(max_size=80) | st.from_regex(r"(https?://)?(www\.)?[a-zäöüß]{1,9}\.(xn--)?[a-z0-9-]{1,9}/?", fullmatch=True)
)
def test_any_text_has_a_host_and_that_is_its_own(text: str) -> None:
    once = host(text)
    assert host(once) == once
    assert once not in spellings(once)
    assert len(spellings(text)) <= MOST_SPELLINGS
    assert in_ascii(in_letters(once)) == once


@pytest.mark.parametrize(
    "held", ["kat@müller.test", "Kat@Müller.test", "KAT@XN--MLLER-KVA.TEST", " kat@müller.test\u00a0"]
)
def test_an_address_is_compared_in_small_letters_and_with_its_domain_in_ascii(held: str) -> None:
    assert emails.compared(held) == "kat@xn--mller-kva.test"
    assert emails.forms(held) == ("kat@xn--mller-kva.test", "kat@müller.test")


def test_an_address_keeps_its_letters_before_the_sign_and_its_www() -> None:
    assert emails.forms("Zoë.Groß@www.x.test") == ("zoë.groß@www.x.test",)


@example("\u00b4")  # which is another form of a space and an accent
@given(st.text(max_size=40))
@example("\u00b4")  # which becomes an accent after a space
def test_both_forms_of_an_address_are_compared_as_one(text: str) -> None:
    assert {emails.compared(form) for form in emails.forms(text)} == {emails.compared(text)}
