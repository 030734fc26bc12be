"""The journal: every operation request as a row, written by a process of its own."""
