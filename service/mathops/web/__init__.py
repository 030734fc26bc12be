"""HTTP: application, routes, middleware, endpoints."""
