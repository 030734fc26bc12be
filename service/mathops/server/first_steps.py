"""The lines that a terminal shows once the service listens."""

from mathops import __version__
from mathops.server.listeners import EVERY_ADDRESS, EVERY_IPV4
from mathops.settings import Settings


def first_steps(settings: Settings) -> str:
    """The address, how to log in, and one request."""
    host = "localhost" if settings.http_host in (EVERY_IPV4, EVERY_ADDRESS) else settings.http_host
    url = f"http://{f'[{host}]' if ':' in host else host}:{settings.http_port}"
    credentials = '{"user":"alice"}' if settings.demo else '{"user":"NAME","password":"PASSWORD"}'
    extract = 'sed \'s/.*"token":"//;s/".*//\''
    return f"""
mathops {__version__} listens at {url}, which opens the console (API page: {url}/docs). Stop it with Ctrl-C.
Log in: TOKEN=$(curl -s "{url}/login" -d '{credentials}' -H "Content-Type: application/json" | {extract})
Try it: curl "{url}/pow?base=2&exp=100" -H "Authorization: Bearer $TOKEN"

"""
