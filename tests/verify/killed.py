"""The process that tries a sandbox over HTTP until it kills itself.

`python -m tests.verify.killed` stays ready: for each line that it reads it forks a process, which is killed at the
point that the line names, and writes how that ended.
"""

import json
import os
import sys
from pathlib import Path

import anyio

from salesloft_mcp.changes.change import Author
from salesloft_mcp.verify.trial import verify
from tests.changes.killed import COUNTED, Points, opened


async def tried_until_killed(url: str, token: str, folder: Path, chosen: int) -> None:
    """One trial; with 0 nobody kills it, and the number of points is written down."""
    points = Points(chosen)
    async with opened(url, token, folder) as app:
        points.watch()
        await verify(app.changes, app.database, Author("terminal", "asked in a test"))
    (folder / COUNTED).write_text(str(points.passed))


def main() -> None:
    """One line of JSON in for each process, and one line out: the signal that ended it, 0 for none."""
    print("ready", flush=True)
    for line in sys.stdin:
        url, token, folder, chosen = json.loads(line)
        child = os.fork()
        if child == 0:
            anyio.run(tried_until_killed, url, token, Path(folder), chosen)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main()
