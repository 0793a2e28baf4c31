"""Commands for work at a terminal. Like `cli`, they import what they need when they run."""
