"""Tasks, requests and hostile texts that show whether an assistant can do its work with these tools."""
