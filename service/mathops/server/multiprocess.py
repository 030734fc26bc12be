"""Multiprocess mode of prometheus_client, which reads it from the environment when first imported.

This module must not import prometheus_client, directly or indirectly.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"


@contextmanager
def multiprocess_metrics(workers: int) -> Iterator[None]:
    """Create the folder in which several workers share metrics, and delete it when the master exits."""
    if workers == 1:
        os.environ.pop(FOLDER_VARIABLE, None)
        yield
        return
    folder = tempfile.mkdtemp(prefix="mathops-metrics-")
    os.environ[FOLDER_VARIABLE] = folder
    master = os.getpid()
    try:
        yield
    finally:
        # Forked workers leave this block too.
        if os.getpid() == master:
            shutil.rmtree(folder, ignore_errors=True)
