"""Who is asking: keys, tokens, users."""
