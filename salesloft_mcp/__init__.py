"""An MCP server for Salesloft's External IDs API, and the typed client and sandbox beneath it."""

__version__ = "0.2.0.dev0"
