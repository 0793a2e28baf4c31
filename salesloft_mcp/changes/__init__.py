"""Every write: what it is, how it is agreed to, logged, sent, and taken back."""
