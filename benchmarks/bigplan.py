"""Plans a file of so many rows against a Salesloft that knows every person: `python benchmarks/bigplan.py ROWS`.

Prints JSON: rows a second for validation and the checks within the file, megabytes the process grew by, and seconds.
"""

import json
import sys
import tempfile
import time
from pathlib import Path

import anyio
import httpx

from salesloft_mcp.bulk import plan_mappings
from salesloft_mcp.bulk.plan import Aim
from salesloft_mcp.bulk.sources import load_file
from salesloft_mcp.salesloft.client import Salesloft
from salesloft_mcp.state.staging import Staging

AIM = Aim("marketing_automation", "people")


def everybody(request: httpx.Request) -> httpx.Response:
    """Every person that is asked for is there, and nothing is mapped."""
    rows = [{"id": int(one)} for one in request.url.params.get_list("ids[]")]
    paging = {"per_page": 100, "current_page": 1, "next_page": None, "prev_page": None, "total_count": len(rows)}
    return httpx.Response(200, json={"data": rows, "metadata": {"paging": paging}})


async def main(count: int) -> None:
    """Write the file, plan it, print the figures."""
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "rows.csv"
        with file.open("w", encoding="utf-8") as text:
            text.write("external_id,object_id\n")
            text.writelines(f"00Q5e00000{number:08d}EAA,{number % 999_983 + 1}\n" for number in range(count))
        async with httpx.AsyncClient(transport=httpx.MockTransport(everybody), base_url="http://stub") as http:
            api = Salesloft(http)
            await small(api, Path(name))
            before, begun = megabytes("VmRSS"), time.perf_counter()
            with Staging(Path(name) / "big.db") as staging:
                await load_file(staging, AIM, file)
                staging.do("duplicates")
                checked = time.perf_counter() - begun
                await plan_mappings.plan(api, staging, AIM)
                if staging.verdicts()["create"] != count:
                    raise RuntimeError(f"planned otherwise: {staging.verdicts()}")
    found = {"rate": count / checked, "megabytes": megabytes("VmHWM") - before, "seconds": time.perf_counter() - begun}
    print(json.dumps(found))


async def small(api: Salesloft, folder: Path) -> None:
    """A plan of a few rows first, so that what only has to be loaded once is there."""
    file = folder / "few.csv"
    file.write_text("external_id,object_id\na,1\n", encoding="utf-8")
    with Staging(folder / "small.db") as staging:
        await load_file(staging, AIM, file)
        await plan_mappings.plan(api, staging, AIM)


def megabytes(name: str) -> float:
    """Memory of this process: `VmRSS` is what it holds now, `VmHWM` the most it ever held."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith(f"{name}:"))) / 1024


if __name__ == "__main__":
    anyio.run(main, int(sys.argv[1]))
