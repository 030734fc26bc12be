"""ASGI middleware, one class per module; web/app.py and web/routes.py define the order."""
