"""Quotas of callers without a valid token, by client address."""

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from starlette.types import Scope

from mathops.ports import quota_exceeded
from mathops.web.context import context_of

# Providers assign whole /64 networks to one customer (RFC 6177).
_IPV6_PREFIX = 64
_LOGIN = "login"


async def charge_rejected_token(scope: Scope) -> None:
    """Raises QuotaExceeded."""
    await _charge(scope, "unauthenticated", client_network(scope), "rejected tokens")


async def charge_login(scope: Scope, user: str) -> None:
    """Charge a login to address and user, because many users may share the address of a proxy; raises QuotaExceeded."""
    await _charge(scope, _LOGIN, _login_key(scope, user), "logins of this user")


async def refund_login(scope: Scope, user: str) -> None:
    """Take back the charge of a login that has succeeded."""
    await context_of(scope).resources.rate_limiter.refund(_LOGIN, _login_key(scope, user))


def _login_key(scope: Scope, user: str) -> str:
    return f"{client_network(scope)} {user}"


def client_network(scope: Scope) -> str:
    """The client's IPv4 address or IPv6 /64 network; the address as sent if it is neither."""
    text, _ = scope.get("client") or ("unknown", 0)
    try:
        address: IPv4Address | IPv6Address = ip_address(text)
    except ValueError:
        return text
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is None:
            # The integer, because a zone such as %eth0 is no part of a network.
            return str(IPv6Network((int(address), _IPV6_PREFIX), strict=False))
        address = address.ipv4_mapped
    return str(address)


async def _charge(scope: Scope, policy: str, key: str, counted: str) -> None:
    context = context_of(scope)
    quota = await context.resources.rate_limiter.charge(policy, key)
    if quota is not None and not quota.allowed:
        # A flood of rejected requests must not become a flood of commits.
        context.recorded = False
        raise quota_exceeded(quota, f"{quota.limit} {counted} in {quota.window} s")
