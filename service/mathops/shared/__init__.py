"""State that replicas share through Redis: cache, rate limits, revoked tokens."""
