"""Salesloft and nothing else: nouns (models), bytes and meaning (requests, responses), verbs (client)."""
