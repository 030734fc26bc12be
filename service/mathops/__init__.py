"""Exact powers, Fibonacci numbers and factorials over REST; stores every operation request."""

__version__ = "0.2.0"
