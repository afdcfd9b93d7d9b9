"""Metrics: what is counted under which name, from 0, and forgotten with the device."""

import math

from prometheus_client.parser import text_string_to_metric_families

from catnet_controller.models import (
    Deployment,
    Device,
    DeviceState,
    Health,
    Job,
    Mode,
    Outcome,
    QueueDepth,
    Restored,
    Revision,
    State,
    Sync,
)
from catnet_controller.ports import Telemetry
from catnet_controller.telemetry.metrics import Metrics

EDGE1 = Device(name="edge1", host="192.0.2.1")
REVISION = Revision(sha="a" * 40, ref="branch/main")


def samples(metrics: Metrics) -> dict[tuple[str, tuple[str, ...]], float]:
    body, _ = metrics.render()
    return {
        (sample.name, tuple(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(body.decode())
        for sample in family.samples
    }


def job(mode: Mode = Mode.PUSH) -> Job:
    return Job(id=1, deployment=1, device=EDGE1, mode=mode, revision=REVISION, desired="sha256:x")


def test_counters_start_at_zero() -> None:
    got = samples(Metrics(version="1.2.3"))
    assert got["catnet_build_info", ("1.2.3",)] == 1
    assert got["catnet_deploy_total", ("push", "failed")] == 0
    assert got["catnet_jobs_total", ("check", "complete")] == 0
    assert got["catnet_webhook_deliveries_total", ("push", "accepted")] == 0
    assert got["catnet_job_errors_total", ("device-unreachable",)] == 0
    assert got["catnet_rollback_total", ("verify-failed", "unknown")] == 0
    assert got["catnet_commit_confirm_total", ("confirmed",)] == 0
    assert math.isnan(got["catnet_github_api_rate_limit_remaining", ()])
    assert not [name for name, _ in got if name.endswith("_created")]


def test_it_is_the_port() -> None:
    port: Telemetry = Metrics(version="1")
    port.rate_limit(4999)
    port.polled("moved")
    port.host_key("changed")
    port.login("locked-out")
    port.delivery("invented-by-a-stranger", "forged")
    assert isinstance(port, Metrics)
    got = samples(port)
    assert got["catnet_github_api_rate_limit_remaining", ()] == 4999
    assert got["catnet_polls_total", ("moved",)] == 1
    assert got["catnet_host_keys_total", ("changed",)] == 1
    assert got["catnet_host_keys_total", ("learnt",)] == 0
    assert got["catnet_webhook_deliveries_total", ("other", "forged")] == 1


def test_a_push_that_was_saved() -> None:
    metrics = Metrics(version="1")
    steps = {"connect": 0.2, "arm": 0.1, "push": 1.5}
    metrics.job_ended(job(), Outcome(state=State.COMPLETE, changed=True, added=3, steps=steps))
    got = samples(metrics)
    assert got["catnet_jobs_total", ("push", "complete")] == 1
    assert got["catnet_device_changes_total", ()] == 1
    assert got["catnet_commit_confirm_total", ("confirmed",)] == 1
    assert got["catnet_drift_lines", ("edge1",)] == 0
    assert got["catnet_reconcile_duration_seconds_count", ("push", "complete")] == 1
    assert got["catnet_reconcile_duration_seconds_sum", ("push", "complete")] == 1.5


def test_a_push_that_was_taken_back() -> None:
    metrics = Metrics(version="1")
    outcome = Outcome(
        state=State.FAILED,
        error_code="line-refused",
        restored=Restored.PARTLY,
        steps={"arm": 0.1},
    )
    metrics.job_ended(job(), outcome)
    got = samples(metrics)
    assert got["catnet_rollback_total", ("line-refused", "partly-restored")] == 1
    assert got["catnet_commit_confirm_total", ("partly-restored",)] == 1
    assert got["catnet_job_errors_total", ("line-refused",)] == 1
    assert got["catnet_device_changes_total", ()] == 0
    assert ("catnet_drift_lines", ("edge1",)) not in got


def test_drift_is_counted_in_lines() -> None:
    metrics = Metrics(version="1")
    metrics.job_ended(job(Mode.CHECK), Outcome(state=State.COMPLETE, added=2, removed=3))
    assert samples(metrics)["catnet_drift_lines", ("edge1",)] == 5
    # A read that failed says nothing about drift.
    metrics.job_ended(job(Mode.CHECK), Outcome(state=State.FAILED, error_code="device-timeout"))
    assert samples(metrics)["catnet_drift_lines", ("edge1",)] == 5


def test_deployments() -> None:
    metrics = Metrics(version="1")
    metrics.deployment_ended(
        Deployment(
            id=1,
            revision=REVISION,
            mode=Mode.PUSH,
            cause="push",
            state=State.FAILED,
            created_at=100.0,
            ended_at=130.0,
        )
    )
    got = samples(metrics)
    assert got["catnet_deploy_total", ("push", "failed")] == 1
    assert got["catnet_deploy_duration_seconds_sum", ("push",)] == 30


def test_a_device_has_one_series_and_loses_it() -> None:
    metrics = Metrics(version="1")
    metrics.device_state(DeviceState(device=EDGE1))
    metrics.device_state(
        DeviceState(
            device=EDGE1,
            sync=Sync.IN_SYNC,
            health=Health.REACHABLE,
            seen_at=1000.0,
            revision="b" * 40,
        )
    )
    got = samples(metrics)
    infos = [labels for name, labels in got if name == "catnet_device_info"]
    assert infos == [("edge1", "reachable", "b" * 40, "in-sync")]
    assert got["catnet_device_condition", ("edge1", "true", "in-sync")] == 1
    assert got["catnet_device_condition", ("edge1", "false", "quarantined")] == 1
    assert ("catnet_device_condition", ("edge1", "unknown", "in-sync")) not in got
    assert got["catnet_device_last_success_timestamp_seconds", ("edge1",)] == 1000
    metrics.devices_gone(["edge1", "never-seen"])
    assert not [labels for _, labels in samples(metrics) if "edge1" in labels]


def test_logins_sessions_and_readiness() -> None:
    metrics = Metrics(version="1")
    assert samples(metrics)["catnet_logins_total", ("failed",)] == 0
    metrics.login("failed")
    for more in (1, 1, -1):
        metrics.sessions(more)
    metrics.ready(True)
    got = samples(metrics)
    assert got["catnet_logins_total", ("failed",)] == 1
    assert (got["catnet_ssh_sessions", ()], got["catnet_ready", ()]) == (1, 1)


def test_depths() -> None:
    metrics = Metrics(version="1")
    metrics.depth(QueueDepth(pending=5, running=2, triggers=1, outbox=3, outbox_age=12.5))
    got = samples(metrics)
    assert got["catnet_queue_depth", ("pending",)] == 5
    assert got["catnet_github_status_outbox_depth", ()] == 3
    assert got["catnet_github_status_outbox_age_seconds", ()] == 12.5
