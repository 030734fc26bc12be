"""`mathops login` and `mathops logout`, and the tokens that they keep."""
