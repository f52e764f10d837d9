"""The fixtures and the tour on other versions of Linux: one boot for each, one test for each fixture."""

import json
import os
import re
import subprocess
import tomllib
from functools import cache
from pathlib import Path

import pytest
from linux import VERSIONS, Linux
from machine import Outcome, run

ROOT = Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "tests/fixtures"
LOADED = ("run", "display", "sessions")
PROBEBOOK = Path(os.environ.get("PROBEBOOK", ROOT / "target/release/probebook"))
TOUR = ROOT / "notebooks/00_tour.ipynb"

# The suite tells each result on a line of its own; the tour comes after it.
COMMAND = """
{suite} --color=never --skip syntax:: --skip errors:: --skip types:: --skip codegen::
echo "[[tour]]"
{probebook} exec {tour} -o /tmp/tour.ipynb
"""


@cache
def suite() -> Path:
    """The program that holds the fixtures' tests."""
    build = ["cargo", "test", "--quiet", "-p", "probebook-tests", "--test", "suite", "--no-run", "--locked"]
    lines = subprocess.run(
        [*build, "--message-format=json"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.splitlines()
    programs = [message["executable"] for message in map(json.loads, lines) if message.get("executable")]
    return Path(programs[-1])


@cache
def outcome(linux: Linux) -> Outcome:
    """What the suite and the tour print there."""
    command = COMMAND.format(suite=suite(), probebook=PROBEBOOK, tour=TOUR)
    files = [suite(), PROBEBOOK, FIXTURES, TOUR, Path("/bin/dd")]
    settings = tomllib.loads((ROOT / ".cargo/config.toml").read_text())["env"]
    environment = {name: value["value"] if isinstance(value, dict) else value for name, value in settings.items()}
    environment |= {"INSTA_WORKSPACE_ROOT": ROOT, "INSTA_UPDATE": "no", "REQUIRE_LIVE": "1"}
    return run(linux, files, command, ROOT / "tests", environment, seconds=400)


def fixtures() -> list[str]:
    return [f"{folder}::{path.stem}" for folder in LOADED for path in sorted(FIXTURES.glob(f"{folder}/*.bt"))]


@pytest.fixture(params=VERSIONS, ids=lambda linux: f"linux-{linux.name}", scope="module")
def linux(request):
    return request.param


@pytest.mark.parametrize("name", fixtures())
def test_fixture(linux, name):
    text = outcome(linux).text
    result = re.search(rf"^test {name} +\.\.\. (.*)$", text, re.MULTILINE)
    assert result, f"{name} did not run on Linux {linux.name}"
    report = re.search(rf"^---- {name} ----\n(.*?)(?=^----|^failures:)", text, re.MULTILINE | re.DOTALL)
    assert result[1] == "ok", report[1] if report else result[1]


def test_tour(linux):
    done = outcome(linux)
    assert done.status == 0, done.text.split("[[tour]]")[-1]
