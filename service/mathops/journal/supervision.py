"""Starts the journal process; imports nothing that takes long, so that it can be started first."""

import os
import socket

from uuid_utils import uuid4

from mathops.processes.supervisor import ProcessSupervisor
from mathops.settings import Settings


def journal_process(settings: Settings) -> ProcessSupervisor:
    # A restarted process continues to publish at once, because it holds the lease of the one that died.
    return ProcessSupervisor("mathops.journal.process", settings.json_with_secrets(), _lease_owner())


def _lease_owner() -> str:
    """A unique name for this instance of the service."""
    return f"{uuid4().hex[:12]}@{socket.gethostname()[:32]}:{os.getpid()}"
