"""The processes: composition root, serve, the desk, scheduler, doctor, install."""
