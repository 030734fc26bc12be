"""The ports' real parts: SQLite, processes, memory."""
