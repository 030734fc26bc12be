import pytest

from mathops.errors import StartupError
from mathops.settings import Settings
from mathops.shared.rate_limits import policies


def test_a_limit_that_cannot_be_read_is_told_by_its_variable() -> None:
    with pytest.raises(StartupError, match="MATHOPS_QUOTA_COMPUTE: write a limit such as 600/minute, not 'many'"):
        policies(Settings(quota_compute="many"))


def test_an_empty_limit_is_none() -> None:
    assert policies(Settings(quota_requests="", quota_compute="", quota_unauthenticated="")) == {}
