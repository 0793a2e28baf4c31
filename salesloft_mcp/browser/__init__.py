"""Pages on loopback in the person's own browser. Others describe what they show, and are given what was chosen."""
