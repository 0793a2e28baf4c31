"""Programs that start this server, and the files in which they are told to."""
