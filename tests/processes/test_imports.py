"""Which modules a process imports."""

import subprocess
import sys

_OPEN_WITHOUT_REDIS = """
import asyncio, sys
from mathops.settings import Settings
from mathops.shared.shared_state import open_shared

async def main():
    async with open_shared(Settings()):
        assert "redis" not in sys.modules

asyncio.run(main())
"""


def test_without_redis_its_client_is_not_imported() -> None:
    subprocess.run([sys.executable, "-c", _OPEN_WITHOUT_REDIS], check=True)


def test_without_external_issuers_the_http_client_is_not_imported() -> None:
    imported = "import sys, mathops.bootstrap; sys.exit('httpx2' in sys.modules)"

    subprocess.run([sys.executable, "-c", imported], check=True)


def test_without_an_issuer_for_signing_in_authlib_is_not_imported() -> None:
    imported = (
        "import sys, mathops.bootstrap, mathops.identity.issuers.accepted_issuers; sys.exit('authlib' in sys.modules)"
    )

    subprocess.run([sys.executable, "-c", imported], check=True)
