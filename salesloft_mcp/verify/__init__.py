"""Whether a real Salesloft is as it is assumed to be: a throw-away type is made, tried, and taken away again."""
