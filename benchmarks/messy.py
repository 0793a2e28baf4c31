"""Checks messy rows as a plan does before it asks anything of Salesloft, each kind in a process of its own.

A hundred thousand rows with every fourth one at fault, as a CSV, a CSV in Windows-1252, JSON Lines, a JSON array and a
workbook; and the same rows clean as a CSV, so that what the faults cost is told as a ratio. Seconds are those of the
processor, which are steadier than the clock's on a busy machine. What the library takes that reads a workbook is told
by itself, and not held against the limit. Exit code 1 when a limit fails.
"""

import argparse
import csv
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter, deque
from collections.abc import Iterator
from pathlib import Path

import anyio
from bigplan import megabytes

from salesloft_mcp.bulk.plan import Aim
from salesloft_mcp.bulk.sources import load_file
from salesloft_mcp.state.staging import Staging

AIM = Aim("crm_lead", "people")
SECONDS, MEGABYTES = 15.0, 60.0
HEADS = ("Description", "External ID", "E-mail", "Name", "crm_id")
NOTE = 'Called back, twice;\nsaid: a|b, c\n\nwants a "quote", then more. ' + "x" * 200
KINDS = ("clean.csv", "messy.csv", "messy-1252.csv", "messy.jsonl", "messy.json", "messy.xlsx")
FAULTS: tuple[tuple[str, str, str, str], ...] = (  # external id, e-mail, name, CRM id
    ("8.96529E+19", "a{n}@one.test; b{n}@two.test", "José", ""),
    (" ID-{n} ", "mailto:c{n}@one.test", "Müller", ""),
    ("NULL", "d{n}@one.test", "Zoë", ""),
    ("#REF!", "#N/A", "", ""),
    ("\u200b", "e{n}@one.test", "", ""),
    ("00{n}.0", "Ann <f{n}@one.test>", "", ""),
    ("id-{n}", "", "", "003Dn0000000{n}"),
    ("ID\u2013{n}", "g{n}@one.test ", "", ""),
    ("{{3F2504E0-4F89-41D3-9A0C-{n}}}", "not an address", "", ""),
    ("2024-01-{n}", "h{n}@one.test", "", "003Dn00000105IAC"),
)


def rows(count: int, faults: bool) -> Iterator[tuple[str, ...]]:
    """So many rows, every fourth one with one of the faults in turn."""
    for number in range(count):
        note = NOTE if number % 10 == 0 else ""
        if faults and number % 4 == 0:
            fault = FAULTS[number // 4 % len(FAULTS)]
            yield (note, *(text.format(n=number) for text in fault))
        else:
            yield note, f"ID-{number:06}", f"person{number}@example.test", "Ann Smith", ""


def write(kind: str, count: int, file: Path) -> None:
    """A file of that kind, with some rows that are cut off or too wide."""
    made = rows(count, "messy" in kind)
    if kind.endswith(".xlsx"):
        import openpyxl

        book = openpyxl.Workbook()
        sheet = book.active
        sheet.append(HEADS)
        for row in made:
            sheet.append(row)
        book.save(file)
    elif kind.endswith(".csv"):
        encoding = "cp1252" if "1252" in kind else "utf-8"
        with file.open("w", encoding=encoding, errors="replace", newline="") as text:
            writer = csv.writer(text)
            writer.writerow(HEADS)
            for number, row in enumerate(made):
                cut = "messy" in kind and number % 50 == 1 and 3
                writer.writerow(row[:cut] if cut else row)
    else:
        objects = (json.dumps(dict(zip(HEADS, row, strict=True))) for row in made)
        with file.open("w", encoding="utf-8") as text:
            if kind.endswith(".json"):
                text.write("[" + ",\n".join(objects) + "]")
            else:
                text.writelines(f"{one}\n" for one in objects)


def check(kind: str, count: int) -> None:
    """Read one file into a plan, and print what that took as JSON."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file, size in (("few", 10), ("all", count)):  # in processes of their own, whose memory is not ours
            command = [sys.executable, __file__, "--write", kind, "--rows", str(size), str(folder / file)]
            subprocess.run(command, check=True)
        anyio.run(planned, folder / "few")  # what only has to be loaded once is there then
        before, begun = megabytes("VmRSS"), time.process_time()
        verdicts = anyio.run(planned, folder / "all")
        seconds, grown = time.process_time() - begun, megabytes("VmHWM") - before
        reader = reading(folder / "all") if kind.endswith(".xlsx") else 0.0
        found = {"seconds": seconds - reader, "reader": reader, "megabytes": grown, "rows": sum(verdicts.values())}
        print(json.dumps({**found, "invalid": verdicts["invalid"]}))


def reading(workbook: Path) -> float:
    """How many seconds the library alone takes to read a workbook."""
    import openpyxl

    begun = time.process_time()
    with workbook.open("rb") as raw:
        for sheet in openpyxl.load_workbook(raw, read_only=True, data_only=True, keep_links=False):
            sheet.reset_dimensions()
            deque(sheet.iter_rows(values_only=True), maxlen=0)
    return time.process_time() - begun


async def planned(file: Path) -> Counter[str]:
    """The rows of a file in a plan, as far as it is made without Salesloft."""
    with Staging(file.with_suffix(".db")) as staging:
        await load_file(staging, AIM, file)
        staging.do("duplicates")
        return staging.verdicts()


def main() -> int:
    """Measure each kind, print a table, and hold it against the limits."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--check", choices=KINDS)
    parser.add_argument("--write", choices=KINDS)
    parser.add_argument("file", nargs="?", type=Path)
    given = parser.parse_args()
    if given.write:
        write(given.write, given.rows, given.file)
        return 0
    if given.check:
        check(given.check, given.rows)
        return 0
    good, clean = True, 0.0
    print(f"{'file':16}{'rows':>9}{'invalid':>9}{'CPU s':>9}{'of clean':>10}{'MB more':>9}{'reader':>9}")
    for kind in KINDS:
        command = [sys.executable, __file__, "--check", kind, "--rows", str(given.rows)]
        found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        clean = clean or found["seconds"]
        ratio = found["seconds"] / clean
        numbers = f"{found['rows']:9,}{found['invalid']:9,}{found['seconds']:9.2f}{ratio:10.2f}"
        numbers += f"{found['megabytes']:9.1f}{found['reader']:9.2f}"
        kept = found["seconds"] <= SECONDS and found["megabytes"] <= MEGABYTES and found["rows"] == given.rows
        print(f"{kind:16}{numbers}{'' if kept else '  over the limit'}")
        good = good and kept
    print(f"limits: {SECONDS:g} s, {MEGABYTES:g} MB more, every row told")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
