"""One module a subject; `inventory` lists every tool."""
