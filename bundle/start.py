"""How a host starts the server of the bundle: the sandbox is a switch of its form, and an option of `serve`."""

import os
import sys

from salesloft_mcp.cli import main

if __name__ == "__main__":
    sandbox = os.environ.get("BUNDLE_SANDBOX", "").strip().lower() == "true"
    sys.argv[1:] = ["serve", *(["--sandbox"] if sandbox else [])]
    main()
