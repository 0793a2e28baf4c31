"""How a host starts the server of the bundle: the sandbox is a switch of its form, and an option of `serve`.

A field that nobody filled in comes blank, or as `${user_config.…}` (https://github.com/modelcontextprotocol/mcpb/issues/250).
"""

import os
import sys

from salesloft_mcp.cli import main

if __name__ == "__main__":
    for name in [name for name, value in os.environ.items() if value.startswith("${user_config.")]:
        del os.environ[name]
    sandbox = os.environ.get("BUNDLE_SANDBOX", "").strip().lower() == "true"
    sys.argv[1:] = ["serve", *(["--sandbox"] if sandbox else [])]
    main()
