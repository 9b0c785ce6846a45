# Clinstat in a container: a Hugging Face Space, a hospital server, one of several machines.
#
#   docker build -t clinstat .
#   docker run --rm --read-only --tmpfs /tmp --tmpfs /var/cache/clinstat:uid=1000,mode=0700 \
#     -p 127.0.0.1:7860:7860 -e ACCESS_PASSWORD=... clinstat
#
# tests/fault/test_container.py runs the steps below without Docker, as they stand here.

FROM python:3.11-slim-bookworm AS build
COPY requirements.txt /opt/clinstat/requirements.txt
# Wheels with the pinned hashes only: nothing is compiled, so no compiler is ever installed.
RUN python -m venv /opt/clinstat/venv \
 && /opt/clinstat/venv/bin/python -m pip install --quiet --no-cache-dir --no-compile \
      --disable-pip-version-check --require-hashes --only-binary :all: \
      -r /opt/clinstat/requirements.txt \
 && /opt/clinstat/venv/bin/python -m pip uninstall --quiet --yes pip setuptools
COPY app.py config.py logic.py LICENSE /opt/clinstat/app/
COPY stats /opt/clinstat/app/stats
COPY ingest /opt/clinstat/app/ingest
COPY utils /opt/clinstat/app/utils
COPY presentation /opt/clinstat/app/presentation
COPY tabs /opt/clinstat/app/tabs
COPY examples /opt/clinstat/app/examples
COPY www /opt/clinstat/app/www
# The tree is read-only when it runs, so what Python would write beside a module is written now.
RUN /opt/clinstat/venv/bin/python -m compileall -q -j 0 /opt/clinstat/venv/lib /opt/clinstat/app

FROM python:3.11-slim-bookworm
COPY --from=build /opt/clinstat /opt/clinstat
RUN install -d -o 1000 -g 1000 -m 0700 /var/cache/clinstat
# Freed arrays go back to the system at once, and the linear algebra library starts no threads
# (utils/lean_start.py says the same to a process that was started without them).
ENV MALLOC_MMAP_THRESHOLD_=65536 \
    MALLOC_TRIM_THRESHOLD_=65536 \
    OPENBLAS_NUM_THREADS=1
ENV PATH=/opt/clinstat/venv/bin:/usr/local/bin:/usr/bin:/bin \
    HOME=/tmp \
    MPLCONFIGDIR=/tmp/matplotlib \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
ENV HOST=0.0.0.0 \
    PORT=7860 \
    CACHE_DIR=/var/cache/clinstat
WORKDIR /opt/clinstat/app
USER 1000:1000
EXPOSE 7860
STOPSIGNAL SIGTERM
# http.client: a proxy named in the environment must not stand between the container and itself.
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 \
  CMD ["python", "-c", "import http.client, os, sys; c = http.client.HTTPConnection('127.0.0.1', int(os.environ['PORT']), timeout=4); c.request('GET', '/healthz'); sys.exit(c.getresponse().status != 200)"]
# Open to everybody on a Space, whose visitors are strangers by design. Anywhere else it starts
# only with ACCESS_PASSWORD, PROXY_SECRET or PUBLIC_ACCESS=1, and says so.
CMD ["sh", "-c", "PUBLIC_ACCESS=${PUBLIC_ACCESS:-${SPACE_ID:+1}} exec python app.py"]
