"""Answering "which object is this?" at the least API cost."""
