"""Whatever a page is made of, it is shown as text."""

from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from salesloft_mcp.browser.pages import Ask, Page, Row, Table, rendered

HOSTILE = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        ['"><script>alert(1)</script>', "' onclick='x", "<!--", "]]>", "&lt;b&gt;", "</title><b>", "javascript:"]
    ),
)
# A document of HTML has no carriage returns and no NUL: parsers put others in their place.
TEXTS = HOSTILE.filter(lambda text: not set(text) & {"\r", "\0"} and text.strip() == text and text != "")


class Read(HTMLParser):
    """The tags of a document, the values of its attributes, and its text."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, tuple[str, ...]]] = []
        self.texts: list[str] = []
        self.values: list[str] = []
        self.feed(document)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, tuple(name for name, _ in attrs)))
        self.values += [value or "" for _, value in attrs]

    def handle_data(self, data: str) -> None:
        self.texts.append(data.strip("\n"))


def page(texts: list[str]) -> str:
    """A page of these texts."""
    heading, told, notice, name, value, was, yes, no, typed, label, token, problem = texts
    tables = (Table((Row(name, value), Row(name, value, was)), heading), Table((Row(name, value),)))
    return rendered(Page(heading, (told,), notice, tables, Ask(yes, no, typed, label)), token, problem)


@given(st.lists(TEXTS, min_size=12, max_size=12))
def test_no_text_becomes_markup_and_all_of_it_is_shown(texts: list[str]) -> None:
    usual, found = Read(page(["x"] * 12)), Read(page(texts))
    assert found.tags == usual.tags
    shown = {*found.texts, *found.values}
    for text in (*texts[:8], *texts[9:]):  # what is to be typed stands in the label
        assert text in shown
