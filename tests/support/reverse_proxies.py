"""nginx and HAProxy on loopback, in front of a server."""

import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from tests.support.server import eventually, free_port

MISSING = [name for name in ("nginx", "haproxy") if shutil.which(name) is None]

# How long a proxy waits for the rest of a request or for the next one.
WAIT_SECONDS = 0.4
# Connections to the server are kept and shared, because a smuggled request would answer the next caller.
_NGINX = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log stderr;
events {{ }}
http {{
  access_log off;
  client_max_body_size 0;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  client_header_timeout {wait}ms;
  client_body_timeout {wait}ms;
  keepalive_timeout {wait}ms;
  gzip on;
  gzip_proxied any;
  gzip_types application/json text/plain;
  lingering_timeout {wait}ms;
  map $http_upgrade $forwarded_connection {{ default upgrade; '' ''; }}
  map $http_host $forwarded_host {{ default $http_host; '' localhost; }}
  upstream app {{ server 127.0.0.1:{server}; keepalive 4; }}
  proxy_http_version 1.1;
  server {{
    listen 127.0.0.1:{nginx};
    location / {{
      proxy_pass http://app;
      proxy_set_header Host $forwarded_host;
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header Connection "";
    }}
    location /removed/ {{
      proxy_pass http://app/;
      proxy_set_header Host $forwarded_host;
      proxy_set_header X-Forwarded-Prefix /removed;
    }}
    location /uncompressed/ {{
      proxy_pass http://app/;
      proxy_set_header Accept-Encoding "";
    }}
    location /kept/ {{
      proxy_pass http://app;
      proxy_set_header Host $forwarded_host;
    }}
  }}
  server {{
    listen 127.0.0.1:{nginx_upgrades};
    location / {{
      proxy_pass http://app;
      proxy_request_buffering off;
      proxy_set_header Host $forwarded_host;
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $forwarded_connection;
    }}
  }}
}}
"""

_HAPROXY = """
defaults
  mode http
  maxconn 100
  timeout connect 1s
  timeout client {wait}ms
  timeout http-request {wait}ms
  timeout server 5s
frontend callers
  bind 127.0.0.1:{haproxy}
  http-request set-header X-Forwarded-For %[src]
  http-request set-header X-Forwarded-Prefix /removed if {{ path_beg /removed/ }}
  http-request replace-path /removed(/.*) \\1 if {{ path_beg /removed/ }}
  compression algo gzip
  compression type application/json text/plain
  default_backend app
backend app
  http-reuse always
  server app 127.0.0.1:{server}
"""


class Ports(NamedTuple):
    """One for each configuration; `nginx_upgrades` forwards Upgrade and does not collect request bodies."""

    nginx: int
    nginx_upgrades: int
    haproxy: int


@contextmanager
def running(folder: Path, server_port: int) -> Iterator[Ports]:
    """nginx and HAProxy that forward to a server on `server_port`."""
    ports = Ports(free_port(), free_port(), free_port())
    values = {"folder": folder, "server": server_port, "wait": int(WAIT_SECONDS * 1000), **ports._asdict()}
    nginx, haproxy = folder / "nginx.conf", folder / "haproxy.cfg"
    nginx.write_text(_NGINX.format(**values))
    haproxy.write_text(_HAPROXY.format(**values))
    commands = (
        ["nginx", "-p", str(folder), "-e", "stderr", "-c", str(nginx)],
        ["haproxy", "-db", "-q", "-f", str(haproxy)],
    )
    with (folder / "proxies.log").open("wb") as log:
        processes = [subprocess.Popen(command, stdout=log, stderr=log) for command in commands]
        try:
            for port in ports:
                eventually(lambda port=port: _accepts(port))  # type: ignore[misc] # mypy infers no lambda with defaults
            yield ports
        finally:
            for process in processes:
                process.kill()
                process.wait()


def _accepts(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False
