"""ASGI middleware; web/app.py and web/routes.py define the order."""
