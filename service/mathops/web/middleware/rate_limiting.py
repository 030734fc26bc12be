"""Charges each authenticated request to the caller's quota (draft-ietf-httpapi-ratelimit-headers)."""

from starlette.types import Receive, Scope, Send

from mathops.ports import quota_exceeded
from mathops.web.context import HttpMiddleware, context_of

POLICY = "requests"


class RateLimiting(HttpMiddleware):
    """Adds RateLimit and RateLimit-Policy; installed only with a quota."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        context = context_of(scope)
        if context.principal is not None and not (context.endpoint and context.endpoint.without_quota):
            quota = await context.resources.rate_limiter.charge(POLICY, context.principal.user)
            if quota is not None:
                policy = f'"{POLICY}";q={quota.limit};w={quota.window}'.encode("ascii")
                remaining = f'"{POLICY}";r={quota.remaining};t={quota.reset}'.encode("ascii")
                context.response_headers += [(b"ratelimit-policy", policy), (b"ratelimit", remaining)]
                if not quota.allowed:
                    raise quota_exceeded(quota, f"{quota.limit} requests in {quota.window} s")
        await self.app(scope, receive, send)
