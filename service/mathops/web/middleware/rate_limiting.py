"""Charges each request of a known caller to their quota (draft-ietf-httpapi-ratelimit-headers)."""

from starlette.types import ASGIApp, Receive, Scope, Send

from mathops.ports import Quota, quota_exceeded
from mathops.web.context import Fields, context_of

POLICY = "requests"


class RateLimit:
    """Tells in RateLimit and RateLimit-Policy what is left; listed only when there is a limit."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        context = context_of(scope)
        if context.principal is not None:
            quota = await context.resources.rate_limiter.charge(POLICY, context.principal.user)
            if quota is not None:
                context.answer_fields += rate_limit_fields(quota)
                if not quota.allowed:
                    raise quota_exceeded(quota, f"{quota.limit} requests in {quota.window} s")
        await self.app(scope, receive, send)


def rate_limit_fields(quota: Quota) -> Fields:
    """The two header fields of a quota."""
    policy = f'"{quota.policy}";q={quota.limit};w={quota.window}'
    left = f'"{quota.policy}";r={quota.remaining};t={quota.reset}'
    return [(b"ratelimit-policy", policy.encode()), (b"ratelimit", left.encode())]
