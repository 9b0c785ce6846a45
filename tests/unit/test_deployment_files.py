"""What the files for deployment promise: they agree with the app and with each other."""

from __future__ import annotations

import re
from dataclasses import fields
from typing import Any

import pytest
import yaml

from config import Settings
from tests.fault.container import context_allows, read_dockerfile
from tests.house.test_imports import ROOT
from utils.lean_start import MEMORY_SETTINGS

DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
IMAGE = read_dockerfile(DOCKERFILE)
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
SETTINGS = {item.name.upper() for item in fields(Settings)}


def front_matter() -> dict[str, Any]:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert text.startswith("---\n")
    return yaml.safe_load(text.split("---\n")[1])


def test_the_image_runs_as_a_plain_user_with_the_settings_of_app_py() -> None:
    assert IMAGE.plain["USER"] == "1000:1000"
    assert MEMORY_SETTINGS.items() <= IMAGE.env.items()
    assert IMAGE.env["HOST"] == "0.0.0.0"
    assert IMAGE.command[-1].endswith("exec python app.py")
    assert len(IMAGE.bases) == 2
    assert all("slim" in base for base in IMAGE.bases)


def test_the_image_asks_itself_for_its_health_without_curl() -> None:
    assert IMAGE.health[0] == "python"
    assert "'/healthz'" in IMAGE.health[-1]
    assert "curl" not in DOCKERFILE


def test_no_secret_and_no_access_stands_in_the_image() -> None:
    secrets = {n for n in SETTINGS if "SECRET" in n or "PASSWORD" in n or n == "PUBLIC_ACCESS"}
    assert not secrets & IMAGE.env.keys()


def test_the_port_is_the_same_everywhere() -> None:
    port = IMAGE.env["PORT"]
    assert IMAGE.plain["EXPOSE"] == port
    assert front_matter()["app_port"] == int(port)
    assert COMPOSE["services"]["app"]["ports"] == [f"127.0.0.1:{port}:{port}"]


def test_a_space_finds_what_it_needs() -> None:
    given = front_matter()
    assert given["sdk"] == "docker"
    assert given["license"] == "mit"
    assert len(given["short_description"]) <= 60


@pytest.mark.parametrize("name", ["app", "redis"])
def test_every_service_is_confined(name: str) -> None:
    service = COMPOSE["services"][name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["mem_limit"]
    assert service["pids_limit"]
    assert "healthcheck" in service or name == "app"  # the image of the app has its own


def test_compose_names_only_settings_that_exist_and_demands_secrets() -> None:
    given = COMPOSE["services"]["app"]["environment"]
    assert given.keys() <= SETTINGS
    assert given["ACCESS_PASSWORD"].startswith("${ACCESS_PASSWORD:?")
    assert given["CACHE_SECRET"].startswith("${CACHE_SECRET:?")
    assert given["REDIS_URL"] == "redis://redis:6379/0"


def test_redis_cannot_be_reached_from_outside() -> None:
    redis = COMPOSE["services"]["redis"]
    assert "ports" not in redis
    assert [COMPOSE["networks"][n]["internal"] for n in redis["networks"]] == [True]


def test_what_may_be_written_is_stated() -> None:
    app = COMPOSE["services"]["app"]
    assert [mount.split(":")[0] for mount in app["tmpfs"]] == ["/tmp"]
    assert app["volumes"] == [f"cache:{IMAGE.env['CACHE_DIR']}"]


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        ("app.py", True), ("stats/rare/mixed.py", True), ("requirements.txt", True),
        ("examples/melanoma.csv", True), ("stats/__pycache__/x.pyc", False),
        ("tests/conftest.py", False), (".git/config", False), (".venv/bin/python", False),
        ("requirements-dev.txt", False), (".env", False), ("docs/methods.md", False),
    ],
)  # fmt: skip
def test_the_builder_sees_what_it_copies_and_no_more(path: str, kept: bool) -> None:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    assert context_allows(path, rules) is kept


def test_the_ping_asks_healthz_often_enough_and_may_do_nothing_else() -> None:
    flow = yaml.safe_load((ROOT / "deploy/keep-warm.yml").read_text(encoding="utf-8"))
    hours = flow[True]["schedule"][0]["cron"].split()[1].split(",")  # YAML reads `on` as True
    assert len(hours) >= 1  # every day: a Space sleeps after two
    assert flow["permissions"] == {}
    steps = flow["jobs"]["ping"]["steps"]
    assert not [s for s in steps if "uses" in s]
    assert re.search(r'curl .*"\$URL/healthz"', steps[0]["run"])


def test_no_instruction_of_a_dockerfile_is_passed_over() -> None:
    with pytest.raises(ValueError, match="ADD"):
        read_dockerfile("FROM x\nADD y z")
