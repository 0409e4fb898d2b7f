# cxtools with a ledger on PostgreSQL. Events and reports live in the volume /var/lib/cxtools, secrets come as files of
# /run/secrets (one a variable); see docs/howto/run-in-containers.md.
FROM python:3.13-slim AS build
COPY requirements.lock pyproject.toml README.md LICENSE /src/
COPY cxtools /src/cxtools
COPY notebooks /src/notebooks
WORKDIR /src
RUN python -m venv /opt/cxtools \
 && /opt/cxtools/bin/pip install --no-cache-dir --require-hashes -r requirements.lock \
 && /opt/cxtools/bin/pip install --no-cache-dir --no-build-isolation ".[postgres]"

FROM python:3.13-slim
RUN useradd --system --uid 10001 --home-dir /var/lib/cxtools --create-home cxtools
COPY --from=build /opt/cxtools /opt/cxtools
# The folder where secrets are is no secret.
# hadolint ignore=DL3064
ENV PATH=/opt/cxtools/bin:/usr/local/bin:/usr/bin:/bin \
    CXTOOLS_HOME=/var/lib/cxtools \
    CXTOOLS_SECRETS_DIR=/run/secrets
USER 10001
VOLUME /var/lib/cxtools
ENTRYPOINT ["cxtools"]
CMD ["refresh"]
