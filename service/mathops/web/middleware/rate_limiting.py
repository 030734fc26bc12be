"""Charges each authenticated request to the caller's quota (draft-ietf-httpapi-ratelimit-headers)."""

from starlette.types import Receive, Scope, Send

from mathops.ports import Quota, quota_exceeded
from mathops.web.context import Headers, context_of
from mathops.web.middleware.base import HttpMiddleware

POLICY = "requests"


class RateLimiting(HttpMiddleware):
    """Adds RateLimit and RateLimit-Policy; installed only with a quota."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        context = context_of(scope)
        if context.principal is not None:
            quota = await context.resources.rate_limiter.charge(POLICY, context.principal.user)
            if quota is not None:
                context.response_headers += rate_limit_headers(quota)
                if not quota.allowed:
                    raise quota_exceeded(quota, f"{quota.limit} requests in {quota.window} s")
        await self.app(scope, receive, send)


def rate_limit_headers(quota: Quota) -> Headers:
    policy = f'"{quota.policy}";q={quota.limit};w={quota.window}'
    remaining = f'"{quota.policy}";r={quota.remaining};t={quota.reset}'
    return [(b"ratelimit-policy", policy.encode()), (b"ratelimit", remaining.encode())]
