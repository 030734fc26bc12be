"""Certificates for reaching the brokers."""

import ssl

from mathops.errors import StartupError
from mathops.settings import Settings


def kafka_context(settings: Settings) -> ssl.SSLContext | None:
    """Whom to trust and what to show; None without TLS. Raises StartupError for files that cannot be used."""
    if not settings.kafka_tls:
        return None
    try:
        context = ssl.create_default_context(cafile=settings.kafka_ca_file)
    except OSError as error:
        raise StartupError(
            f"MATHOPS_KAFKA_CA_FILE: {settings.kafka_ca_file} holds no certificates that can be read: {error}"
        ) from None
    if settings.kafka_certificate_file:
        try:
            # Without a password OpenSSL would ask the terminal for that of an encrypted key.
            context.load_cert_chain(settings.kafka_certificate_file, settings.kafka_key_file, password="")
        except OSError as error:
            raise StartupError(
                f"MATHOPS_KAFKA_CERTIFICATE_FILE: {settings.kafka_certificate_file} and its key "
                f"(MATHOPS_KAFKA_KEY_FILE, unencrypted) cannot be used: {error}"
            ) from None
    return context
