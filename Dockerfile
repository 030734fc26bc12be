# One image: the service as a wheel in a virtual environment, run by a user without a name.
# Layers change as seldom as their content: dependencies by requirements/run.txt, the service by its sources.

FROM python:3.13-slim AS dependencies
RUN apt-get update && apt-get install --yes --no-install-recommends binutils && rm -rf /var/lib/apt/lists/*
# pip itself stays outside the environment.
RUN python -m venv --without-pip /opt/mathops
COPY requirements/run.txt /tmp/
RUN --mount=type=cache,target=/root/.cache/pip \
    pip --python /opt/mathops/bin/python install --disable-pip-version-check --require-hashes -r /tmp/run.txt
# Wheels carry debugging symbols that nobody reads here.
RUN find /opt/mathops -name '*.so*' -type f -exec strip --strip-debug {} +

FROM python:3.13-slim AS wheel
RUN python -m venv --without-pip /build
COPY requirements/build.txt /tmp/
RUN --mount=type=cache,target=/root/.cache/pip \
    pip --python /build/bin/python install --disable-pip-version-check --require-hashes -r /tmp/build.txt
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY service service
RUN pip --python /build/bin/python wheel --no-deps --no-build-isolation --wheel-dir /wheels .

# The service alone, in the place where the environment expects it.
FROM dependencies AS service
COPY --from=wheel /wheels /wheels
RUN pip --python /opt/mathops/bin/python install --no-deps --no-index --root /service /wheels/*.whl

FROM python:3.13-slim AS runtime
# Group 0 may write what the user may: platforms that give each container a uid of its own keep that group.
RUN install -d -o 10001 -g 0 -m 0770 /data
COPY --from=dependencies /opt/mathops /opt/mathops
ENV PATH=/opt/mathops/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/tmp \
    MATHOPS_HTTP_HOST=0.0.0.0 \
    MATHOPS_HTTP_PORT=5000 \
    MATHOPS_DATA_DIR=/data
WORKDIR /data
VOLUME /data
EXPOSE 5000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 \
    CMD ["python", "-ISc", "import http.client, os, sys; c = http.client.HTTPConnection('127.0.0.1', int(os.environ['MATHOPS_HTTP_PORT']), timeout=2); c.request('GET', '/readyz'); sys.exit(c.getresponse().status != 200)"]
ENTRYPOINT ["mathops"]
CMD ["serve"]
COPY --from=service /service /

# For work on the sources: they are copied or synchronised over the installed ones, and a change restarts the server.
FROM runtime AS dev
COPY --chown=10001:0 service/mathops /opt/mathops/lib/python3.13/site-packages/mathops
USER 10001:0
CMD ["serve", "--reload"]

FROM runtime AS production
USER 10001:0
ARG VERSION=dev
ARG REVISION=unknown
ARG CREATED=unknown
LABEL org.opencontainers.image.title="mathops" \
      org.opencontainers.image.description="Exact powers, Fibonacci numbers and factorials over REST; stores every request" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.source="https://github.com/mathops/mathops" \
      org.opencontainers.image.documentation="https://github.com/mathops/mathops#readme" \
      org.opencontainers.image.base.name="docker.io/library/python:3.13-slim" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.created="$CREATED"
