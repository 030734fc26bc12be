"""gunicorn master, uvicorn web workers, HTTP/1.1 limits."""
