"""The key of quotas by client address."""

import pytest

from mathops.web.client_quota import client_network


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.2", "192.0.2.2"),
        ("::1", "::/64"),
        ("testclient", "testclient"),
        ("192.0.2.1:80", "192.0.2.1:80"),
        ("", ""),
    ],
)
def test_an_ipv6_address_counts_with_its_network(address: str, network: str) -> None:
    assert client_network({"client": (address, 1)}) == network


def test_a_caller_without_an_address_is_unknown() -> None:
    assert client_network({"client": None}) == client_network({}) == "unknown"
