"""The project around the code: its top level, its deployment files, its commands."""

import re
import shutil
import subprocess
import sys
import tomllib
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
AGREED = {
    *(".ci", ".github", ".gitignore", "Dockerfile", "LICENSE", "README.md", "catnet.yaml"),
    *("catnet_controller", "deploy", "pyproject.toml", "sample-repo", "tests"),
}
YAML = sorted(
    path
    for folder in ("deploy", ".github", "sample-repo")
    for pattern in ("*.yaml", "*.yml")
    for path in (ROOT / folder).rglob(pattern)
)


def read(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def documents(path: str) -> list[Any]:
    return list(yaml.safe_load_all(read(path)))


def manifests() -> dict[str, Any]:
    """The Kubernetes objects by kind."""
    found = chain.from_iterable(
        yaml.safe_load_all(path.read_text(encoding="utf-8"))
        for path in (ROOT / "deploy/kubernetes").glob("*.yaml")
    )
    return {one["kind"]: one for one in found}


def test_the_top_level_holds_what_was_agreed() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "--cached"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode == 0 and listed.stdout:
        top = {line.split("/", 1)[0].strip('"') for line in listed.stdout.splitlines()}
    else:  # a copy without its history
        made = {".venv", "build", "dist", ".git", ".hypothesis"}
        top = {path.name for path in ROOT.iterdir() if path.name not in made}
        top = {name for name in top if not name.endswith(("_cache", ".egg-info"))}
        top = {name for name in top if not name.startswith(".coverage")}
    assert top == AGREED


@pytest.mark.parametrize("path", YAML, ids=lambda path: str(path.relative_to(ROOT)))
def test_yaml_files_can_be_read(path: Path) -> None:
    read_documents = list(yaml.safe_load_all(path.read_text(encoding="utf-8")))
    assert read_documents
    assert all(isinstance(one, dict) for one in read_documents)


def test_the_project_file_names_what_is_there() -> None:
    project = tomllib.loads(read("pyproject.toml"))
    included = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert all((ROOT / name).exists() for name in included)
    assert project["project"]["scripts"] == {"catnet": "catnet_controller.__main__:main"}


def test_every_promise_names_tests_that_exist() -> None:
    section = read("README.md").partition("## Promises")[2].partition("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| ")][1:]
    assert len(rows) >= 14
    for row in rows:
        files = re.findall(r"`((?:e2e|integration)/\w+)`", row)
        assert files, row
        text = "".join(read(f"tests/{file}.py") for file in files)
        for name in re.findall(r"`(?:…|(?=test_))(\w+)(?:…)?`", row):
            assert name in text, row


# --- the image -----------------------------------------------------------------------------------


def instructions() -> list[tuple[str, str]]:
    text = re.sub(r"^#.*\n", "", read("Dockerfile"), flags=re.MULTILINE)
    text = re.sub(r"\\\n\s*", "", text)
    split = (line.partition(" ") for line in text.splitlines() if line)
    return [(word.upper(), rest) for word, _, rest in split]


def test_hadolint_has_nothing_to_say() -> None:
    hadolint = shutil.which("hadolint", path=Path(sys.executable).parent)
    if hadolint is None:
        pytest.skip("there is no hadolint for this machine")
    said = subprocess.run([hadolint, "Dockerfile"], cwd=ROOT, capture_output=True, check=False)
    assert (said.returncode, said.stdout.decode()) == (0, "")


def test_the_image_is_built_from_a_named_version_and_runs_without_root() -> None:
    words = instructions()
    bases = [rest for word, rest in words if word == "FROM"]
    assert len(bases) == 2
    for base in bases:
        image = base.split()[0]
        assert ":" in image
        assert not image.endswith(":latest")
    final = words[max(at for at, (word, _) in enumerate(words) if word == "FROM") :]
    users = [rest for word, rest in final if word == "USER"]
    assert users == ["10001:10001"]
    entry = next(at for at, (word, _) in enumerate(final) if word == "ENTRYPOINT")
    assert entry > [word for word, _ in final].index("USER")


def test_the_image_asks_the_daemon_how_it_is() -> None:
    health = [rest for word, rest in instructions() if word == "HEALTHCHECK"]
    assert len(health) == 1
    assert "/healthz" in health[0]
    assert "curl" not in health[0], "it is not in the image"


def test_the_image_copies_what_the_build_needs_and_nothing_secret() -> None:
    copied = [rest for word, rest in instructions() if word == "COPY" and "--from" not in rest]
    names = {name.removeprefix("./") for rest in copied for name in rest.split()[:-1]}
    assert names <= AGREED
    project = tomllib.loads(read("pyproject.toml"))
    needed = {"pyproject.toml", project["project"]["readme"], "catnet_controller"}
    needed |= set(project["project"]["license-files"])
    needed |= set(project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"])
    assert needed <= names


# --- deployment ----------------------------------------------------------------------------------


def test_kubernetes_runs_one_daemon_and_never_two() -> None:
    spec = manifests()["Deployment"]["spec"]
    assert spec["replicas"] == 1
    assert spec["strategy"] == {"type": "Recreate"}
    assert manifests()["PersistentVolumeClaim"]["spec"]["accessModes"] == ["ReadWriteOncePod"]


def test_kubernetes_gives_the_daemon_no_more_than_it_needs() -> None:
    pod = manifests()["Deployment"]["spec"]["template"]["spec"]
    container = pod["containers"][0]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["automountServiceAccountToken"] is False
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert {"startupProbe", "livenessProbe", "readinessProbe"} <= container.keys()


def test_kubernetes_objects_find_each_other() -> None:
    objects = manifests()
    pod = objects["Deployment"]["spec"]["template"]
    labels = pod["metadata"]["labels"]
    for kind in ("Service", "PodDisruptionBudget", "NetworkPolicy", "Deployment"):
        spec = objects[kind]["spec"]
        selector = spec["podSelector"] if kind == "NetworkPolicy" else spec["selector"]
        assert selector.get("matchLabels", selector) == labels
    volumes = {volume["name"]: volume for volume in pod["spec"]["volumes"]}
    mounts = {mount["name"] for mount in pod["spec"]["containers"][0]["volumeMounts"]}
    assert mounts == volumes.keys()
    for kind, key, name in (
        ("ConfigMap", "config", volumes["config"]["configMap"]["name"]),
        ("Secret", "secrets", volumes["secrets"]["secret"]["secretName"]),
        ("PersistentVolumeClaim", "state", volumes["state"]["persistentVolumeClaim"]["claimName"]),
    ):
        assert objects[kind]["metadata"]["name"] == name, key
    listed = set(objects["Kustomization"]["resources"])
    there = {path.name for path in (ROOT / "deploy/kubernetes").glob("*.yaml")}
    assert there == listed | {"kustomization.yaml", "secret.example.yaml"}


def test_kubernetes_settings_name_secrets_that_the_secret_has() -> None:
    objects = manifests()
    settings = objects["ConfigMap"]["data"]["catnet.yaml"]
    named = set(re.findall(r"file:/run/secrets/catnet/(\w+)", settings))
    assert named == objects["Secret"]["stringData"].keys()
    assert set(objects["Secret"]["stringData"].values()) == {"REPLACE"}


def test_kubernetes_settings_are_settings(tmp_path: Path) -> None:
    settings = pytest.importorskip("catnet_controller.settings")
    text = manifests()["ConfigMap"]["data"]["catnet.yaml"]
    secret = tmp_path / "secret"
    secret.write_text("x" * 40, encoding="utf-8")
    secret.chmod(0o600)
    file = tmp_path / "catnet.yaml"
    file.write_text(re.sub(r"file:/run/secrets/catnet/\w+", f"file:{secret}", text), "utf-8")
    loaded = settings.load(file, {})
    assert loaded.github.repository == "example/network"


def test_compose_hands_over_the_secrets_it_has_and_keeps_the_image_shut() -> None:
    compose = documents("deploy/compose.yaml")[0]
    service = compose["services"]["catnet"]
    assert set(service["secrets"]) == compose["secrets"].keys()
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    for one in compose["services"].values():
        assert not one["image"].endswith(":latest")
        assert all(port.startswith("127.0.0.1:") for port in one["ports"])


def test_the_unit_is_shut_in() -> None:
    lines = read("deploy/systemd/catnet.service").splitlines()
    for line in (
        *("Type=notify", "DynamicUser=yes", "ProtectSystem=strict", "NoNewPrivileges=yes"),
        *("StateDirectory=catnet", "KillMode=mixed", "CapabilityBoundingSet="),
    ):
        assert line in lines


# --- what is watched -----------------------------------------------------------------------------


def test_alerts_speak_of_metrics_that_exist() -> None:
    metrics = pytest.importorskip("catnet_controller.telemetry.metrics")
    page, _ = metrics.Metrics(version="0").render()
    families = set(re.findall(r"^# TYPE (\S+)", page.decode(), flags=re.MULTILINE))
    rules = documents("deploy/prometheus/alerts.yml")[0]["groups"][0]["rules"]
    named = {name for rule in rules for name in re.findall(r"\bcatnet_\w+", rule["expr"])}
    assert len(named) > 4
    assert named - families == set()
    for rule in rules:
        assert rule["labels"]["severity"] in ("critical", "warning", "info")
        assert rule["annotations"].keys() == {"summary", "description"}


# --- CI ------------------------------------------------------------------------------------------


def test_the_workflow_runs_the_script_that_people_run() -> None:
    workflow = documents(".github/workflows/ci.yml")[0]
    steps = workflow["jobs"]["run"]["steps"]
    assert any(step.get("run") == "bash .ci/run" for step in steps)
    versions = workflow["jobs"]["run"]["strategy"]["matrix"]["python"]
    project = tomllib.loads(read("pyproject.toml"))
    for version in versions:
        assert f"Programming Language :: Python :: {version}" in project["project"]["classifiers"]
    assert workflow["permissions"] == {"contents": "read"}


@pytest.mark.parametrize("name", ["run", "test"])
def test_scripts_are_well_formed_and_stop_at_the_first_error(name: str) -> None:
    path = ROOT / ".ci" / name
    assert path.stat().st_mode & 0o111
    assert "set -euo pipefail" in path.read_text(encoding="utf-8")
    subprocess.run(["bash", "-n", path], check=True)


def test_the_readme_gives_the_commands_that_ci_runs() -> None:
    readme, script = read("README.md"), read(".ci/test")
    install = re.search(r"pip install (?:--\S+ )*-e '\.\[test\]'", readme)
    assert install, "the README says how to run the tests"
    assert "pip install --quiet --disable-pip-version-check -e '.[test]'" in script
    assert ".venv/bin/pytest" in readme
    assert ".venv/bin/catnet demo --once" in readme
