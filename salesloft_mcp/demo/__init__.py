"""The main job, shown: a scripted assistant session with the real server."""
