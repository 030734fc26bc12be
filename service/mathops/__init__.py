"""Exact power, Fibonacci and factorial over REST, with every request kept."""

__version__ = "0.1.0"
