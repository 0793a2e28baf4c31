"""The HTML of a page: nothing but what is described, everything escaped, no script, and nothing from elsewhere."""

import base64
import hashlib
from dataclasses import dataclass
from html import escape

CHOICE, TYPED, TOKEN = "choice", "typed", "token"  # the fields of a form
PROBLEM = "problem"  # the id of what says what was wrong
YES, NO = "yes", "no"  # what CHOICE holds

# A page that opens under the pointer takes no click for a second: it was meant for what stood there before.
# The colours are pairs for light and dark, each at 4.5 to 1 or more against what it stands on (WCAG 2.2, 1.4.3).
STYLE = """
:root { color-scheme: light dark; --paper: #ffffff; --ink: #1b1f24; --soft: #57606a; --line: #8c959f;
  --button: #0b57d0; --on-button: #ffffff; --danger: #b3261e; --on-danger: #ffffff; --new: #116329; }
@media (prefers-color-scheme: dark) { :root { --paper: #16191d; --ink: #e9edf1; --soft: #a5afba; --line: #76808b;
  --button: #a8c7fa; --on-button: #0a2a5c; --danger: #f9b4ae; --on-danger: #4a0905; --new: #7ee2a0; } }
body { margin: 0; background: var(--paper); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; }
main { max-width: 46rem; margin: 0 auto; padding: 2rem 1.25rem 4rem; overflow-wrap: break-word; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 1rem; }
h2 { font-size: 1.1rem; margin: 1.75rem 0 .5rem; }
table { width: 100%; border-collapse: collapse; table-layout: fixed; }
th, td { text-align: left; vertical-align: top; padding: .45rem .75rem .45rem 0; border-bottom: 1px solid var(--line); }
th:first-child { width: 34%; font-weight: 600; }
thead th { color: var(--soft); font-weight: 600; }
th, td { overflow-wrap: anywhere; }
@media (max-width: 26rem) { th, td { font-size: .85rem; } }
td.new { color: var(--new); font-weight: 600; }
.notice { border-left: .3rem solid var(--line); padding: .1rem 0 .1rem .9rem; }
.problem { border-left: .3rem solid var(--danger); padding: .1rem 0 .1rem .9rem; color: var(--danger);
  font-weight: 600; }
form { margin-top: 2rem; animation: settle 1s step-end; }
@keyframes settle { from { pointer-events: none; } }
label { display: block; font-weight: 600; }
input[type=text] { font: inherit; width: 100%; box-sizing: border-box; margin: .35rem 0 1.25rem; padding: .55rem .7rem;
  color: inherit; background: transparent; border: 1px solid var(--line); border-radius: .4rem; }
button { font: inherit; font-weight: 600; margin: 0 .75rem .75rem 0; padding: .65rem 1.4rem; border-radius: .4rem;
  border: 2px solid var(--button); background: transparent; color: var(--button); cursor: pointer; }
button.go { background: var(--button); color: var(--on-button); }
button.danger { border-color: var(--danger); background: var(--danger); color: var(--on-danger); }
a { color: var(--button); }
:focus-visible { outline: 3px solid var(--button); outline-offset: 3px; }
"""
STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()


@dataclass(frozen=True, slots=True)
class Row:
    """One fact: its name and value; `was` is what the value replaces, None where it replaces nothing."""

    name: str
    value: str
    was: str | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """Facts that belong together, under a heading of their own unless that is empty."""

    rows: tuple[Row, ...]
    heading: str = ""


@dataclass(frozen=True, slots=True)
class Ask:
    """What a person may answer: the words of the two buttons, and the text to type before a yes where there is one."""

    yes: str
    no: str
    name: str = ""
    label: str = ""  # of the field that `name` is typed into
    danger: bool = False  # whether a yes takes something away


@dataclass(frozen=True, slots=True)
class Page:
    """What a page says from top to bottom. `notice` stands out. Where it asks nothing, it only tells."""

    heading: str
    told: tuple[str, ...] = ()  # a paragraph each
    notice: str = ""
    tables: tuple[Table, ...] = ()
    ask: Ask | None = None


def rendered(page: Page, token: str = "", problem: str = "") -> str:
    """The whole document. Its form goes to the address of the page, with `token` in a hidden field.

    `problem` says what was wrong with what was sent before.
    """
    heading = escape(page.heading)
    asks = [_form(page.ask, token, problem)] if page.ask else []
    wrong = [f'<p class="problem" id="{PROBLEM}" role="alert">{escape(problem)}</p>'] if problem else []
    told = [f"<p>{escape(one)}</p>" for one in page.told]
    notice = [f'<p class="notice">{escape(page.notice)}</p>'] if page.notice else []
    body = "\n".join([f"<h1>{heading}</h1>", *wrong, *told, *notice, *map(_table, page.tables), *asks])
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{heading} · Salesloft MCP server</title>\n<style>{STYLE}</style>\n</head>\n"
        f"<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


def _table(table: Table) -> str:
    """Two columns, or with the values that are replaced three."""
    head = f"<h2>{escape(table.heading)}</h2>\n" if table.heading else ""
    three = any(row.was is not None for row in table.rows)
    columns = "".join(f'<th scope="col">{name}</th>' for name in ("Field", "Old", "New")) if three else ""
    rows = "\n".join(_row(row, three) for row in table.rows)
    return f"{head}<table>\n{f'<thead><tr>{columns}</tr></thead>' if three else ''}<tbody>\n{rows}\n</tbody>\n</table>"


def _row(row: Row, three: bool) -> str:
    old = f"<td>{escape(row.was or '')}</td>" if three else ""
    new = ' class="new"' if three else ""
    return f'<tr><th scope="row">{escape(row.name)}</th>{old}<td{new}>{escape(row.value)}</td></tr>'


def _form(ask: Ask, token: str, problem: str) -> str:
    """The yes comes first, because Enter in the text field presses the first button; it counts only with the name."""
    field = ""
    if ask.name:
        wrong = f' aria-invalid="true" aria-describedby="{PROBLEM}" autofocus' if problem else ""
        field = (
            f'<label for="{TYPED}">{escape(ask.label)}</label>\n'
            f'<input type="text" id="{TYPED}" name="{TYPED}" required autocomplete="off" spellcheck="false"'
            f' autocapitalize="off" maxlength="1024"{wrong}>\n'
        )
    yes = "danger" if ask.danger else "go"
    return (
        '<form method="post" autocomplete="off">\n'
        f'<input type="hidden" name="{TOKEN}" value="{escape(token)}">\n{field}'
        f'<button class="{yes}" name="{CHOICE}" value="{YES}">{escape(ask.yes)}</button>\n'
        f'<button name="{CHOICE}" value="{NO}" formnovalidate>{escape(ask.no)}</button>\n</form>'
    )
