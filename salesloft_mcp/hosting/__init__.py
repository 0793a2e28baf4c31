"""How the server meets the world: standard input and output, or HTTP."""
