"""What happened comes in through ports.Telemetry; the text that Prometheus scrapes goes out.

Names follow the habits of Argo CD and Flux. Every counter exists at 0 from the start, so that an
alert on its increase works; the series of a device vanish with the device.
"""

import contextlib
import math
from collections.abc import Iterable, Sequence

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from catnet_controller.errors import CatnetError
from catnet_controller.models import (
    Deployment,
    DeviceState,
    Health,
    Job,
    Mode,
    Outcome,
    QueueDepth,
    Restored,
    State,
    Step,
    Sync,
)

_EVENTS = ("push", "pull_request", "issue_comment", "ping")
_RESULTS = ("accepted", "ignored", "refused", "forged", "failed")
_VERDICTS = ("learnt", "unknown", "changed")
_LOGINS = ("complete", "failed", "locked-out")
_POLLS = ("moved", "unchanged", "error")
_ENDS = tuple(state for state in State if state.final)
_REVERTS = ("line-refused", "verify-failed", "connection-lost", "device-timeout")
_SECONDS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)
_TRUTH = {True: "true", False: "false", None: "unknown"}


class Metrics:
    """Implements ports.Telemetry on a registry of its own."""

    def __init__(self, *, version: str) -> None:
        self._registry = CollectorRegistry()
        self._infos: dict[str, list[tuple[Gauge, tuple[str, ...]]]] = {}
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        self._gauge("catnet_build_info", "The running version.", "version").labels(version).set(1)

        self._deliveries = self._counter(
            "catnet_webhook_deliveries",
            "Webhook deliveries by event and result; forged ones have no trustworthy event.",
            "event",
            "result",
        )
        self._polls = self._counter(
            "catnet_polls", "Looks at the branch by result: moved, unchanged, error.", "result"
        )
        self._missed = self._counter(
            "catnet_webhook_missed", "Changes that the poll found and no webhook told of."
        )
        self._deploys = self._counter(
            "catnet_deploy", "Deployments that ended, by mode and result.", "mode", "result"
        )
        self._deploy_seconds = self._histogram(
            "catnet_deploy_duration_seconds",
            "From the opening of a deployment to its end.",
            "mode",
        )
        self._jobs = self._counter(
            "catnet_jobs", "Jobs (one device of a deployment) that ended.", "mode", "result"
        )
        self._phases = self._histogram(
            "catnet_reconcile_duration_seconds",
            "Time a device took in each step of a job, by the result of the job.",
            "phase",
            "result",
        )
        self._errors = self._counter(
            "catnet_job_errors", "Jobs that ended with an error, by its code.", "code"
        )
        self._changed = self._counter(
            "catnet_device_changes", "Pushes that changed a device and were saved."
        )
        self._rollbacks = self._counter(
            "catnet_rollback",
            "Failed pushes by the error that caused the way back and what became of the device.",
            "reason",
            "result",
        )
        self._confirms = self._counter(
            "catnet_commit_confirm",
            "Changes that were armed with a revert timer, by how they ended.",
            "outcome",
        )

        self._host_keys = self._counter(
            "catnet_host_keys",
            "Host keys shown that were not known: learnt at first use, unknown or changed.",
            "verdict",
        )

        self._logins = self._counter(
            "catnet_logins",
            "Passwords shown, by result: complete, failed, locked-out (not looked at).",
            "result",
        )

        self._info = self._gauge(
            "catnet_device_info", "1 for each device.", "device", "sync", "health", "revision"
        )
        self._condition = self._gauge(
            "catnet_device_condition",
            "1 for the present status (true, false, unknown) of each condition of a device.",
            "device",
            "type",
            "status",
        )
        self._seen = self._gauge(
            "catnet_device_last_seen_timestamp_seconds",
            "When the running-config of a device was last read.",
            "device",
        )
        self._success = self._gauge(
            "catnet_device_last_success_timestamp_seconds",
            "When a device was last brought to, or found at, what the repository wants.",
            "device",
        )
        self._drift = self._gauge(
            "catnet_drift_lines",
            "Lines in which a device differed from the repository when last checked.",
            "device",
        )

        self._queue = self._gauge(
            "catnet_queue_depth", "How much waits, or runs, by queue.", "queue"
        )
        self._ready = self._gauge(
            "catnet_ready", "1 while the daemon does its work, 0 while /readyz says why not."
        )
        self._sessions = self._gauge("catnet_ssh_sessions", "SSH sessions with devices, open now.")
        self._paused = self._gauge(
            "catnet_pushes_paused", "1 while somebody has paused all pushes, else 0."
        )
        self._outbox = self._gauge(
            "catnet_github_status_outbox_depth", "Statuses and comments not yet at GitHub."
        )
        self._outbox_age = self._gauge(
            "catnet_github_status_outbox_age_seconds", "Age of the oldest of them, 0 if none."
        )
        self._given_up = self._gauge(
            "catnet_github_reports_given_up",
            "Statuses and comments that GitHub refused and that are not tried again.",
        )
        self._polled_at = self._gauge(
            "catnet_github_last_poll_timestamp_seconds",
            "When GitHub last answered what is new; NaN until it did.",
        )
        self._polled_at.set(math.nan)
        self._limit = self._gauge(
            "catnet_github_api_rate_limit_remaining",
            "Requests GitHub still allows in this window; NaN until known.",
        )
        self._limit.set(math.nan)
        self._start_at_zero()

    # --- ports.Telemetry -------------------------------------------------------------------------

    def delivery(self, event: str, result: str, number: int = 1) -> None:
        """``event`` is bounded here: it comes from the network."""
        known = event if event in _EVENTS else "other"
        self._delivered[known, result].inc(number)

    def job_ended(self, job: Job, outcome: Outcome) -> None:
        result = outcome.state.value
        self._jobs.labels(job.mode.value, result).inc()
        for step, seconds in outcome.steps.items():
            self._phases.labels(step, result).observe(seconds)
        if outcome.error_code is not None:
            self._errors.labels(outcome.error_code).inc()
        if outcome.state is State.COMPLETE and job.mode in (Mode.CHECK, Mode.PUSH):
            # After a push there is nothing left; a check is what tells of lines.
            lines = outcome.added + outcome.removed if job.mode is Mode.CHECK else 0
            self._drift.labels(job.device.name).set(lines)
        if job.mode not in (Mode.PUSH, Mode.ROLLBACK):
            return
        if outcome.state is State.COMPLETE and outcome.changed:
            self._changed.inc()
        if outcome.restored is not Restored.NOT_NEEDED:
            reason = outcome.error_code or "unknown"
            self._rollbacks.labels(reason, outcome.restored.value).inc()
        if Step.ARM.value in outcome.steps and outcome.state.final:
            confirmed = outcome.state is State.COMPLETE
            ended = "confirmed" if confirmed else outcome.restored.value
            self._confirms.labels(ended).inc()

    def deployment_ended(self, deployment: Deployment) -> None:
        """However it ended; the store calls this from a thread of its own."""
        self._deploys.labels(deployment.mode.value, deployment.state.value).inc()
        if deployment.ended_at is not None:
            took = max(0.0, deployment.ended_at - deployment.created_at)
            self._deploy_seconds.labels(deployment.mode.value).observe(took)

    def device_state(self, state: DeviceState) -> None:
        name = state.device.name
        conditions = {
            "in-sync": {Sync.IN_SYNC: True, Sync.OUT_OF_SYNC: False}.get(state.sync),
            "reachable": {
                Health.REACHABLE: True,
                Health.DEGRADED: True,
                Health.UNREACHABLE: False,
            }.get(state.health),
            "quarantined": state.quarantined is not None,
        }
        wanted = [
            (self._info, (name, state.sync.value, state.health.value, state.revision or "")),
            *(
                (self._condition, (name, kind, _TRUTH[status]))
                for kind, status in conditions.items()
            ),
        ]
        for gauge, labels in self._infos.get(name, ()):
            if (gauge, labels) not in wanted:
                _forget(gauge, *labels)
        for gauge, labels in wanted:
            gauge.labels(*labels).set(1)
        self._infos[name] = wanted
        if state.seen_at is not None:
            self._seen.labels(name).set(state.seen_at)
            if state.sync is Sync.IN_SYNC:
                self._success.labels(name).set(state.seen_at)

    def devices_gone(self, names: Sequence[str]) -> None:
        for name in names:
            for gauge, labels in self._infos.pop(name, ()):
                _forget(gauge, *labels)
            for gauge in (self._seen, self._success, self._drift):
                _forget(gauge, name)

    def depth(self, depth: QueueDepth) -> None:
        self._queue.labels("pending").set(depth.pending)
        self._queue.labels("running").set(depth.running)
        self._queue.labels("triggers").set(depth.triggers)
        self._outbox.set(depth.outbox)
        self._outbox_age.set(depth.outbox_age)
        self._given_up.set(depth.given_up)
        self._polled_at.set(math.nan if depth.polled_at is None else depth.polled_at)

    def paused(self, paused: bool) -> None:
        self._paused.set(paused)

    def rate_limit(self, remaining: int) -> None:
        self._limit.set(remaining)

    def polled(self, result: str) -> None:
        self._polls.labels(result).inc()

    def missed(self) -> None:
        self._missed.inc()

    def host_key(self, verdict: str) -> None:
        self._host_keys.labels(verdict).inc()

    def login(self, result: str) -> None:
        self._logins.labels(result).inc()

    def sessions(self, more: int) -> None:
        """So many SSH sessions were opened; negative: closed."""
        self._sessions.inc(more)

    def ready(self, ready: bool) -> None:
        self._ready.set(ready)

    # --- scraping --------------------------------------------------------------------------------

    def render(self) -> tuple[bytes, str]:
        """The page for Prometheus and its content type."""
        return generate_latest(_WithoutCreated(self._registry)), CONTENT_TYPE_LATEST

    # --- set-up ----------------------------------------------------------------------------------

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(name, text, labels, registry=self._registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(name, text, labels, registry=self._registry)

    def _histogram(self, name: str, text: str, *labels: str) -> Histogram:
        return Histogram(name, text, labels, registry=self._registry, buckets=_SECONDS)

    def _start_at_zero(self) -> None:
        # Kept, since looking one up costs more than counting it and webhooks come in storms.
        self._delivered = {
            (event, result): self._deliveries.labels(event, result)
            for result in _RESULTS
            for event in (*_EVENTS, "other")
        }
        for result in _POLLS:
            self._polls.labels(result)
        for mode in Mode:
            self._deploy_seconds.labels(mode.value)
            for end in _ENDS:
                self._deploys.labels(mode.value, end.value)
                self._jobs.labels(mode.value, end.value)
        for code in sorted(_codes(CatnetError)):
            self._errors.labels(code)
        for restored in Restored:
            if restored is not Restored.NOT_NEEDED:
                for reason in _REVERTS:
                    self._rollbacks.labels(reason, restored.value)
            self._confirms.labels(restored.value)
        self._confirms.labels("confirmed")
        for verdict in _VERDICTS:
            self._host_keys.labels(verdict)
        for result in _LOGINS:
            self._logins.labels(result)
        for queue in ("pending", "running", "triggers"):
            self._queue.labels(queue)


def _forget(gauge: Gauge, *labels: str) -> None:
    with contextlib.suppress(KeyError):
        gauge.remove(*labels)


class _WithoutCreated(Collector):
    """The registry without the creation times, which double the series and help nobody here."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def collect(self) -> Iterable[Metric]:
        for metric in self._registry.collect():
            metric.samples = [one for one in metric.samples if not one.name.endswith("_created")]
            yield metric


def _codes(kind: type[CatnetError]) -> Iterable[str]:
    children = kind.__subclasses__()
    if not children:
        yield kind.code
    for child in children:
        yield from _codes(child)
