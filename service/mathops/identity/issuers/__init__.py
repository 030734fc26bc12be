"""Tokens of external issuers: their file, their keys, and the verification of their tokens."""
