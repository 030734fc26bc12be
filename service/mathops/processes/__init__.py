"""Processes started by a web worker, and the messages between them."""
