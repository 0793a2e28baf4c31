"""What outlives a call: approvals a person gives, and the log of every write."""
