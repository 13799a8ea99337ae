# One image for every part that is ours: engine, notifier, the one-off set-up, mail server and provider.
FROM python:3.13-slim
WORKDIR /app
COPY requirements.lock ./
RUN pip install --no-cache-dir --require-hashes --only-binary :all: -r requirements.lock
COPY pyproject.toml alembic.ini ./
COPY bankalerts bankalerts
COPY connectors connectors
COPY engine engine
COPY notifier notifier
COPY migrations migrations
COPY sql sql
# Installed in place, as on a developer's machine: the migrations are found beside the packages.
RUN pip install --no-cache-dir --no-deps --no-build-isolation --editable . \
    && useradd --create-home bankalerts \
    && install --directory --owner bankalerts /data
USER bankalerts
CMD ["bankalerts", "--help"]
