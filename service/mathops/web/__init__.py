"""The HTTP side: application, routes, problems."""
