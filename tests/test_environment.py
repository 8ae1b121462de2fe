"""pyproject.toml, requirements.txt, environment.yml and what is installed say the same."""

import re
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
DIRECT = [
    Requirement(line) for line in PROJECT["dependencies"] + PROJECT["optional-dependencies"]["dev"]
]
LOCK = [
    Requirement(line.removesuffix("\\").strip())
    for line in (ROOT / "requirements.txt").read_text("utf-8").splitlines()
    if re.match(r"[a-z]", line)
]
MACHINES = {
    "linux": {"sys_platform": "linux", "platform_machine": "x86_64"},
    "linux-arm": {"sys_platform": "linux", "platform_machine": "aarch64"},
    "mac": {"sys_platform": "darwin", "platform_machine": "arm64"},
}


def locked_on(machine):
    environment = {"python_full_version": "3.11.9", "python_version": "3.11", **MACHINES[machine]}
    return {
        canonicalize_name(r.name): next(iter(r.specifier)).version
        for r in LOCK
        if r.marker is None or r.marker.evaluate(environment)
    }


@pytest.mark.parametrize("machine", MACHINES)
def test_the_lock_satisfies_every_direct_dependency(machine):
    locked = locked_on(machine)
    for requirement in DIRECT:
        if requirement.marker is None or requirement.marker.evaluate(MACHINES[machine]):
            assert requirement.specifier.contains(locked[canonicalize_name(requirement.name)]), (
                requirement
            )


def test_every_locked_package_has_a_hash():
    text = (ROOT / "requirements.txt").read_text("utf-8")
    for block in re.split(r"\n(?=[a-z])", text)[1:]:
        assert "--hash=sha256:" in block, block.splitlines()[0]


def test_the_installed_packages_are_the_locked_ones():
    for requirement in LOCK:
        if requirement.marker is None or requirement.marker.evaluate():
            locked = next(iter(requirement.specifier)).version
            assert version(requirement.name) == locked, requirement.name


def test_conda_gets_the_same_python_and_the_same_lock():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text("utf-8"))
    python, pip, packages = environment["dependencies"]
    assert PROJECT["requires-python"] == f"=={python.split('=')[1]}.*"
    assert pip == "pip"
    assert packages == {"pip": ["--requirement requirements.txt"]}
