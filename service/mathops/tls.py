"""TLS connections to servers with a private certificate authority."""

import ssl
from pathlib import Path

# Set by default since Python 3.13. It rejects authorities that lack extensions of RFC 5280, as `openssl req -x509`,
# Strimzi and MicroK8s make them; chain, host name and dates are verified without it too.
STRICT = ssl.VERIFY_X509_STRICT


def client_context(authorities: Path | str | None) -> ssl.SSLContext:
    """Trusts the certificates in the file `authorities`, without one those of the system. Raises OSError."""
    context = ssl.create_default_context(cafile=authorities)
    if authorities:
        context.verify_flags &= ~STRICT
    return context
