"""`python -m salesloft_mcp` is `salesloft-mcp`."""

from salesloft_mcp.cli import main

main()
