"""Many mappings, safely: rows to a plan, a plan to a run that can be killed, a run to a report."""
