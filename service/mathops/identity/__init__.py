"""Authentication: signing keys, access tokens and users."""
