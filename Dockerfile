# CatNet Controller. Build: docker build -t catnet-controller .
# The image runs as an unprivileged user and needs nothing writable but /var/lib/catnet and /tmp:
#   docker run --read-only --tmpfs /tmp --cap-drop ALL --security-opt no-new-privileges \
#     -v ./catnet.yaml:/etc/catnet/catnet.yaml:ro -v catnet:/var/lib/catnet -p 8080:8080 \
#     -p 8081:8081 catnet-controller

FROM python:3.13-slim AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE catnet.yaml ./
COPY sample-repo ./sample-repo
COPY catnet_controller ./catnet_controller
RUN python -m venv /opt/catnet \
 && /opt/catnet/bin/pip install --no-cache-dir --disable-pip-version-check ".[postgres,uvloop]"

FROM python:3.13-slim
LABEL org.opencontainers.image.title="CatNet Controller" \
      org.opencontainers.image.description="GitOps for Cisco IOS: from a push on GitHub to the device and back" \
      org.opencontainers.image.licenses="MIT"
RUN groupadd --system --gid 10001 catnet \
 && useradd --system --uid 10001 --gid 10001 --home-dir /var/lib/catnet --shell /usr/sbin/nologin catnet \
 && install -d -o 10001 -g 10001 -m 0700 /var/lib/catnet
COPY --from=build /opt/catnet /opt/catnet
# A setting of catnet.yaml can be given as CATNET_<SECTION>_<KEY>; these follow the image.
ENV PATH="/opt/catnet/bin:$PATH" \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    CATNET_HTTP_LISTEN=0.0.0.0:8080 \
    CATNET_HTTP_WEBHOOK_LISTEN=0.0.0.0:8081 \
    CATNET_STORE_PATH=/var/lib/catnet
WORKDIR /var/lib/catnet
USER 10001:10001
VOLUME ["/var/lib/catnet"]
EXPOSE 8080 8081
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 \
  CMD ["python", "-c", "import urllib.request as http; http.urlopen('http://127.0.0.1:8080/healthz', timeout=4)"]
ENTRYPOINT ["catnet"]
CMD ["run", "--config", "/etc/catnet/catnet.yaml"]
