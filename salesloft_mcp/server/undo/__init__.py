"""The way back from a change: a module for each kind of thing that was changed."""
