"""What is wrong with the mappings of a team, and how much of it they cover."""
