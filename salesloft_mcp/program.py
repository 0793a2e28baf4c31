"""How a person types this program in a terminal."""

import os
import shutil
import sys
from pathlib import Path

NAME = "salesloft-mcp"


def program() -> str:
    """Its name where that is found on the PATH and is this one, else its whole path: a host starts it by its path, and
    in an environment of its own it is found nowhere else. On Windows, whose shells quote paths each in its own way, its
    name.
    """
    started, found = Path(sys.argv[0]), shutil.which(NAME)
    if sys.platform == "win32" or started.stem != NAME or (found and os.path.samefile(found, started)):
        return NAME
    return str(started.absolute())
