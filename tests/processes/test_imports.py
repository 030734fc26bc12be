"""Which modules a process imports."""

import subprocess
import sys

import pytest

_OPTIONAL = {
    "aiokafka",
    "alembic",
    "authlib",
    "httpx2",
    "mathops.telemetry.tracing_variables",
    "psycopg",
    "redis",
    "sqlalchemy.dialects.postgresql",
}
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


@pytest.mark.parametrize("module", ["mathops.server.master", "mathops.journal.process"])
def test_a_process_imports_only_what_the_default_settings_need(module: str) -> None:
    imported = f"import sys, {module}; print(*{_OPTIONAL} & set(sys.modules))"

    result = subprocess.run([sys.executable, "-c", imported], check=True, capture_output=True, text=True)

    assert result.stdout.split() == []


def test_the_journal_process_starts_before_the_master_imports_its_modules() -> None:
    imported = (
        "import sys, mathops.server.start; sys.exit(bool({'gunicorn', 'sqlalchemy', 'starlette'} & set(sys.modules)))"
    )

    subprocess.run([sys.executable, "-c", imported], check=True)


def test_without_an_issuer_for_signing_in_authlib_is_not_imported() -> None:
    imported = (
        "import sys, mathops.bootstrap, mathops.identity.issuers.accepted_issuers; sys.exit('authlib' in sys.modules)"
    )

    subprocess.run([sys.executable, "-c", imported], check=True)
