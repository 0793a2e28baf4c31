"""Layers under httpx that know no nouns: each has one method and one concern."""
