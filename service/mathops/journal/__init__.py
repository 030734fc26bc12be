"""The journal: every request as a row, written by a process of its own."""
