"""What an assistant sees: tools, resources, prompts and completions over MCP."""
