"""Request handlers of the routes."""
