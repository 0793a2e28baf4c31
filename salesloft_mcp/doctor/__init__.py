"""What is wrong with a setup, and how to mend it: readings, one table of checks, and a report."""
