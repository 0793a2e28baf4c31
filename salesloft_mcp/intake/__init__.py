"""What people hand in: bytes to rows, text to ids and keys."""
