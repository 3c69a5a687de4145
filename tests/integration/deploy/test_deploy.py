"""The files of deploy/ are true: commands, settings, endpoints and metrics that they name are there."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command

from polly.cli.main import build_app
from polly.settings import SecretFrom, Settings, SinkSettings, read_settings

ROOT = Path(__file__).parents[3]
DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
MANIFESTS = sorted((DEPLOY / "kubernetes").glob("*.yaml"))
ENDPOINTS = {"/healthz", "/readyz", "/startupz", "/health", "/metrics"}
EXIT_SECONDS = SinkSettings().exit_seconds


def documents() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in MANIFESTS:
        for document in yaml.safe_load_all(path.read_text(encoding="utf-8")):
            yield path.name, document


def of_kind(kind: str) -> list[dict[str, Any]]:
    return [document for _, document in documents() if document["kind"] == kind]


def pods() -> list[tuple[str, dict[str, Any]]]:
    """The pod of everything that starts one."""
    found = [
        (each["metadata"]["name"], each["spec"]["template"]["spec"])
        for each in (*of_kind("Deployment"), *of_kind("Job"))
    ]
    return found + [
        (each["metadata"]["name"], each["spec"]["jobTemplate"]["spec"]["template"]["spec"])
        for each in of_kind("CronJob")
    ]


def containers(pod: dict[str, Any]) -> list[dict[str, Any]]:
    return [*pod.get("initContainers", ()), *pod["containers"]]


def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    return found


def unit(path: Path) -> dict[str, list[str]]:
    """Every key of a unit with all its values; systemd lets keys repeat."""
    found: dict[str, list[str]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if "=" in line and not line.startswith(("#", ";")):
            key, _, value = line.partition("=")
            found.setdefault(key, []).append(value)
    return found


def commands() -> list[tuple[str, list[str]]]:
    found = [(path.name, unit(path)["ExecStart"][0].split()[1:]) for path in UNITS]
    found += [(name, list(each["args"])) for name, pod in pods() for each in containers(pod)]
    services = compose()["services"].items()
    found += [(f"compose {name}", list(each["command"])) for name, each in services if "command" in each]
    dockerfile = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    default = re.search(r"^CMD (\[.*\])$", dockerfile, re.MULTILINE)
    assert default
    return [*found, ("Dockerfile", json.loads(default[1]))]


@pytest.mark.parametrize(
    ("place", "words"), commands(), ids=lambda value: value if isinstance(value, str) else ""
)
def test_every_command_can_be_typed(place: str, words: list[str]) -> None:
    program: Any = get_command(build_app())
    command = program
    while words and words[0] in getattr(command, "commands", {}):
        command, words = command.commands[words[0]], words[1:]
    assert command is not program, place
    command.make_context(place, words)


def environments() -> list[dict[str, str]]:
    found = [{name: str(value) for name, value in compose()["services"]["sink"]["environment"].items()}]
    found += [dict(value.split("=", 1) for value in unit(path).get("Environment", ())) for path in UNITS]
    dockerfile = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    return [*found, dict(re.findall(r"(POLLY_\w+)=(\S+)", dockerfile))]


@pytest.mark.parametrize("environment", environments())
def test_every_variable_is_a_setting(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environment.items():
        if name == "POLLY_HOME":
            continue
        section, _, key = name.removeprefix("POLLY_").lower().partition("__")
        assert key.partition("__")[0] in type(getattr(Settings(), section)).model_fields, name
        monkeypatch.setenv(name, value)
    settings = Settings()
    if "POLLY_STORE__PASSWORD__FILE" in environment:
        assert settings.store.password == SecretFrom(file=environment["POLLY_STORE__PASSWORD__FILE"])


def settings_files() -> list[tuple[str, str]]:
    found = [("polly.toml", (DEPLOY / "polly.toml").read_text(encoding="utf-8"))]
    return found + [(name, text) for each in of_kind("ConfigMap") for name, text in each["data"].items()]


@pytest.mark.parametrize(("name", "text"), settings_files())
def test_settings_are_valid_and_hold_no_secret(name: str, text: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    settings = read_settings(tmp_path / name)
    secrets = [value for key, value in settings.kafka.options.items() if "password" in key]
    assert all(isinstance(value, SecretFrom) for value in secrets)
    assert "password" not in (settings.store.url or "")
    assert "=" not in str(tomllib.loads(text)["store"].get("password", {}).get("env", ""))


def test_a_sink_is_given_more_time_to_stop_than_it_takes() -> None:
    (deployment,) = of_kind("Deployment")
    assert deployment["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] > EXIT_SECONDS
    assert int(compose()["services"]["sink"]["stop_grace_period"].removesuffix("s")) > EXIT_SECONDS
    for path in UNITS:
        if "sink" in path.name or "relay" in path.name:
            assert int(unit(path)["TimeoutStopSec"][0].removesuffix("s")) > EXIT_SECONDS, path.name
    for _, text in settings_files():
        assert tomllib.loads(text)["sink"]["exit_seconds"] == EXIT_SECONDS


def test_probes_ask_endpoints_of_the_sink_at_its_port() -> None:
    (deployment,) = of_kind("Deployment")
    (sink,) = deployment["spec"]["template"]["spec"]["containers"]
    probes = {name: sink[name]["httpGet"] for name in ("startupProbe", "livenessProbe", "readinessProbe")}
    assert {name: probe["path"] for name, probe in probes.items()} == {
        "startupProbe": "/startupz",
        "livenessProbe": "/healthz",
        "readinessProbe": "/readyz",
    }
    assert {probe["port"] for probe in probes.values()} == {"health"}
    ports = {port["name"]: port["containerPort"] for port in sink["ports"]}
    (config,) = of_kind("ConfigMap")
    settings = tomllib.loads(config["data"]["polly.toml"])["sink"]
    (service,) = of_kind("Service")
    assert ports == {"health": settings["port"]} == {"health": service["spec"]["ports"][0]["port"]}
    assert settings["host"] == "0.0.0.0"
    served = (ROOT / "src/polly/sink/health/server.py").read_text(encoding="utf-8")
    used = set(
        re.findall(r"9464(/\w+)", "".join(path.read_text(encoding="utf-8") for path in DEPLOY.rglob("*.*")))
    )
    used |= {probe["path"] for probe in probes.values()} | {"/metrics"}
    assert used <= ENDPOINTS
    assert all(f'"{path}"' in served for path in used)


@pytest.mark.parametrize(("name", "pod"), pods(), ids=lambda value: value if isinstance(value, str) else "")
def test_pods_have_no_rights_and_bounded_memory(name: str, pod: dict[str, Any]) -> None:
    assert pod["automountServiceAccountToken"] is False, name
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in containers(pod):
        rights = container["securityContext"]
        assert rights["allowPrivilegeEscalation"] is False
        assert rights["readOnlyRootFilesystem"] is True
        assert rights["capabilities"] == {"drop": ["ALL"]}
        assert {"requests", "limits"} <= container["resources"].keys()
        assert "memory" in container["resources"]["limits"]
        assert "env" not in container  # settings are in the file, secrets in the other
        mounted = {each["name"] for each in container["volumeMounts"]}
        assert mounted == {each["name"] for each in pod["volumes"]}


def test_secrets_are_only_referred_to() -> None:
    assert of_kind("Secret") == []
    texts = {path: path.read_text(encoding="utf-8") for path in DEPLOY.rglob("*") if path.is_file()}
    for path, text in texts.items():
        assert not re.search(
            r"(?i)password\s*[:=]\s*[\"']?(?!\{)[a-z0-9]{3,}[\"']?\s*$", text, re.MULTILINE
        ), path
    assert compose()["secrets"]["database-password"]["file"].startswith("${POLLY_DATABASE_PASSWORD_FILE:?")
    asked = {
        name for _, text in settings_files() for name in re.findall(r"/run/secrets/polly/([\w-]+)", text)
    }
    guide = (ROOT / "docs/how-to/deploy.md").read_text(encoding="utf-8")
    assert asked
    assert all(f"--from-file={name}=" in guide for name in asked)


def test_every_image_is_pinned_and_only_the_own_machine_is_listened_to() -> None:
    for name, service in compose()["services"].items():
        image, _, tag = service["image"].partition(":")
        assert tag == "local" if image == "polly" else re.match(r"\d+\.\d+", tag), name
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ())), name
        waited = service.get("depends_on", {})
        for other, how in waited.items():
            healthy = compose()["services"][other].get("healthcheck", {}).get("test")
            assert how["condition"] == "service_completed_successfully" or healthy, (name, other)
    dockerfile = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    assert all(
        re.search(r":\d+\.\d+\.\d+", line) for line in dockerfile.splitlines() if line.startswith("FROM")
    )


def test_the_image_runs_as_a_user_without_a_compiler_and_installs_locked_versions() -> None:
    stages = (DEPLOY / "Dockerfile").read_text(encoding="utf-8").split("FROM ")[1:]
    assert len(stages) == 2
    assert re.search(r"^USER 10001", stages[1], re.MULTILINE)
    assert not re.search(r"apt-get|pip install|gcc", stages[1])
    copied = re.search(r"^COPY (.*) \./$", stages[0], re.MULTILINE)
    assert copied
    allowed = (DEPLOY / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    assert all((ROOT / name).exists() and f"!{name}" in allowed for name in copied[1].split())
    pattern = re.search(r"sed -n '(s/.*/p)'", stages[0])
    assert pattern
    versions = subprocess.run(
        ["sed", "-n", pattern[1], str(ROOT / "requirements.lock")], capture_output=True, text=True, check=True
    ).stdout
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    needed = [*project["dependencies"], *extras["kafka"], *extras["postgres"]]
    for requirement in needed:
        name = re.split(r"[\[><=;]", requirement)[0]
        assert re.search(rf"^{re.escape(name)}==", versions, re.MULTILINE | re.IGNORECASE), name


def test_kustomization_names_every_manifest() -> None:
    (kustomization,) = of_kind("Kustomization")
    names = {path.name for path in MANIFESTS} - {"kustomization.yaml"}
    assert set(kustomization["resources"]) == names


def test_alerts_ask_for_metrics_that_the_sink_serves() -> None:
    rules = yaml.safe_load((DEPLOY / "prometheus/polly.rules.yaml").read_text(encoding="utf-8"))
    code = (ROOT / "src/polly/sink/health/metrics.py").read_text(encoding="utf-8")
    names = []
    for rule in (rule for group in rules["groups"] for rule in group["rules"]):
        assert {"alert", "expr", "labels", "annotations"} <= rule.keys()
        assert {"summary", "description"} == rule["annotations"].keys()
        asked = set(re.findall(r"polly_\w+", rule["expr"]))
        assert asked or "up{" in rule["expr"]
        assert all(f'"{name.removesuffix("_total")}"' in code for name in asked), (rule["alert"], asked)
        names.append(rule["alert"])
    assert len(names) == len(set(names))


def _run(*command: str, **options: Any) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, done.stdout + done.stderr


needs = {
    name: pytest.mark.skipif(shutil.which(name) is None, reason=f"{name} is not on this machine")
    for name in ("systemd-analyze", "kubeconform", "kubectl", "promtool")
}


def has_compose() -> bool:
    if shutil.which("docker") is None:
        return False
    return subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode == 0


def complaints(unit_file: Path, text: str, folder: Path) -> list[str]:
    """What systemd says about this unit, and about nothing else of this machine."""
    for each in unit_file.parent.iterdir():
        shutil.copy(each, folder / each.name)
    # The program need not be installed where it will be.
    text = re.sub(r"^ExecStart=\S+", f"ExecStart={sys.executable}", text, flags=re.MULTILINE)
    (folder / unit_file.name).write_text(text, encoding="utf-8")
    done = subprocess.run(
        [
            "systemd-analyze",
            "--user" if "WantedBy=default.target" in text else "--system",
            "--man=no",
            "verify",
            str(folder / unit_file.name),
        ],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"XDG_RUNTIME_DIR": str(folder), "SYSTEMD_UNIT_PATH": f"{folder}:"},
    )
    return [line for line in done.stderr.splitlines() if f"{unit_file.name}:" in line]


@needs["systemd-analyze"]
@pytest.mark.parametrize(
    "path", [*UNITS, *(DEPLOY / "systemd").glob("*.timer")], ids=lambda path: str(path.name)
)
def test_systemd_takes_the_unit(path: Path, tmp_path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert complaints(path, text, tmp_path) == []
    assert complaints(path, text.replace("[Unit]", "[Unit]\nAftr=x"), tmp_path) != []


@pytest.mark.skipif(not has_compose(), reason="docker compose is not on this machine")
def test_compose_takes_its_file(tmp_path: Path) -> None:
    command = ("docker", "compose", "--file", str(DEPLOY / "compose.yaml"), "config", "--quiet")
    _run(*command, env=os.environ | {"POLLY_DATABASE_PASSWORD_FILE": str(tmp_path / "secret")})
    without = subprocess.run(command, capture_output=True, check=False)
    assert without.returncode != 0


@needs["kubeconform"]
def test_kubernetes_takes_the_manifests() -> None:
    files = [str(path) for path in MANIFESTS if path.name != "kustomization.yaml"]
    _run("kubeconform", "-strict", "-summary", *files)


@needs["kubectl"]
def test_kustomize_puts_the_manifests_together() -> None:
    _run("kubectl", "kustomize", str(DEPLOY / "kubernetes"))


@needs["promtool"]
def test_prometheus_takes_the_rules() -> None:
    _run("promtool", "check", "rules", str(DEPLOY / "prometheus/polly.rules.yaml"))
