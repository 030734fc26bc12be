"""One ASGI class a file, in the order of web/app.py."""
