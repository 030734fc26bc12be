import pytest

from mathops.errors import StartupError
from mathops.settings import Settings
from mathops.shared.rate_limits import policies


def test_an_invalid_limit_names_its_variable() -> None:
    with pytest.raises(StartupError, match="MATHOPS_QUOTA_COMPUTE: write a limit such as 600/minute, not 'many'"):
        policies(Settings(quota_compute="many"))


def test_an_empty_limit_disables_the_policy() -> None:
    assert policies(Settings(quota_requests="", quota_compute="", quota_unauthenticated="")) == {}
