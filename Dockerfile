# One image: the service as a wheel in a virtual environment, run by a numeric user.
# Dependencies and the service are separate layers, so that a change of the sources rebuilds one small layer.

FROM python:3.13-slim AS dependencies
RUN apt-get update && apt-get install --yes --no-install-recommends binutils && rm -rf /var/lib/apt/lists/*
# The environment does not contain pip.
RUN python -m venv --without-pip /opt/mathops
COPY requirements/run.txt /tmp/
RUN --mount=type=cache,target=/root/.cache/pip \
    pip --python /opt/mathops/bin/python install --disable-pip-version-check --no-deps --require-hashes -r /tmp/run.txt
# Debug symbols of the wheels are not needed at run time.
RUN find /opt/mathops -name '*.so*' -type f -exec strip --strip-debug {} +

FROM python:3.13-slim AS wheel
RUN python -m venv --without-pip /build
COPY requirements/build.txt /tmp/
RUN --mount=type=cache,target=/root/.cache/pip \
    pip --python /build/bin/python install --disable-pip-version-check --no-deps --require-hashes -r /tmp/build.txt
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY service service
RUN pip --python /build/bin/python wheel --no-deps --no-build-isolation --wheel-dir /wheels .

# The service alone, installed at its path in the environment.
FROM dependencies AS service
COPY --from=wheel /wheels /wheels
RUN pip --python /opt/mathops/bin/python install --no-deps --no-index --root /service /wheels/*.whl

FROM python:3.13-slim AS runtime
# Writable for group 0, because platforms that assign arbitrary user ids (OpenShift) keep this group.
RUN install -d -o 10001 -g 0 -m 0770 /data
COPY --from=dependencies /opt/mathops /opt/mathops
ENV PATH=/opt/mathops/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/tmp \
    MATHOPS_HTTP_HOST=:: \
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

# For development: sources replace the installed package, and a change restarts the server.
FROM runtime AS dev
COPY --chown=10001:0 service/mathops /opt/mathops/lib/python3.13/site-packages/mathops
USER 10001:0
CMD ["serve", "--reload"]

FROM runtime AS production
USER 10001:0
ARG VERSION=dev
ARG REVISION=unknown
ARG CREATED=unknown
ENV MATHOPS_IMAGE_REVISION=$REVISION MATHOPS_IMAGE_CREATED=$CREATED
LABEL org.opencontainers.image.title="mathops" \
      org.opencontainers.image.description="Exact powers, Fibonacci numbers and factorials over REST; stores each result" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.source="https://github.com/mathops/mathops" \
      org.opencontainers.image.documentation="https://github.com/mathops/mathops#readme" \
      org.opencontainers.image.base.name="docker.io/library/python:3.13-slim" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.created="$CREATED"
