"""State that replicas share through Redis: cache and rate limits."""
