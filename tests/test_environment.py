"""pyproject.toml, requirements.txt, environment.yml and what is installed say the same."""

import re
import subprocess
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
DIRECT = [Requirement(line) for line in PROJECT["dependencies"] + EXTRAS["dev"] + EXTRAS["site"]]
LOCK = [
    Requirement(line.removesuffix("\\").strip())
    for line in (ROOT / "requirements.txt").read_text("utf-8").splitlines()
    if re.match(r"[a-z]", line)
]
LARGEST = 5_000_000  # bytes: the weights of vgg19-mini have four million
# of the study, hours of work with eleven networks, which notebook 8 reads
TABLE, TABLE_BYTES = "8_table.csv.gz", 13_000_000
PACKED = {TABLE, "8_heads.csv.gz", "agreement.csv.gz"}
MACHINES = {
    "linux": {"sys_platform": "linux", "platform_machine": "x86_64"},
    "linux-arm": {"sys_platform": "linux", "platform_machine": "aarch64"},
    "mac": {"sys_platform": "darwin", "platform_machine": "arm64"},
}


PYTHONS = ("3.11", "3.12", "3.13")


def locked_on(machine, python):
    environment = {
        "python_full_version": f"{python}.9",
        "python_version": python,
        **MACHINES[machine],
    }
    return {
        canonicalize_name(r.name): next(iter(r.specifier)).version
        for r in LOCK
        if r.marker is None or r.marker.evaluate(environment)
    }


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("machine", MACHINES)
def test_the_lock_satisfies_every_direct_dependency(machine, python):
    locked = locked_on(machine, python)
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
    assert python.split("=")[1] in PYTHONS
    assert pip == "pip"
    assert packages == {"pip": ["--requirement requirements.txt"]}


def test_every_supported_python_is_named_everywhere():
    supported = SpecifierSet(PROJECT["requires-python"])
    assert [f"3.{n}" for n in range(9, 20) if f"3.{n}" in supported] == list(PYTHONS)
    finder = (ROOT / "workflow" / "find_python.sh").read_text("utf-8")
    assert f'versions="{" ".join(PYTHONS[::-1])}"' in finder
    readme = (ROOT / "README.md").read_text("utf-8")
    assert "Python 3.11, 3.12 or 3.13" in readme
    jobs = yaml.safe_load((ROOT / ".github/workflows/test.yml").read_text("utf-8"))["jobs"]
    tested = {entry["python"] for entry in jobs["test"]["strategy"]["matrix"]["include"]}
    assert tested == set(PYTHONS)


@pytest.fixture
def find_python(tmp_path):
    """Run find_python.sh where only the given interpreters exist: name -> number, with a venv?"""

    def run(interpreters, **environment):
        for name, (number, complete) in interpreters.items():
            status = 0 if complete else 1
            path = tmp_path / name
            path.write_text(
                f'#!/bin/sh\ncase "$2" in *version*) echo {number};; *) exit {status};; esac\n'
            )
            path.chmod(0o755)
        return subprocess.run(
            ["/bin/sh", ROOT / "workflow" / "find_python.sh"],
            env={"PATH": str(tmp_path), **environment}, capture_output=True, text=True,
        )  # fmt: skip

    return run


def test_make_takes_the_newest_suitable_python(find_python, tmp_path):
    interpreters = {
        "python3.11": ("3.11", True),
        "python3.12": ("3.12", True),
        "python3": ("3.14", True),
    }
    assert find_python(interpreters).stdout.strip() == str(tmp_path / "python3.12")


def test_make_passes_over_a_python_without_venv(find_python, tmp_path):
    interpreters = {"python3.13": ("3.13", False), "python3": ("3.11", True)}
    assert find_python(interpreters).stdout.strip() == str(tmp_path / "python3")


def test_make_says_which_pythons_it_found_and_what_helps(find_python):
    ended = find_python({"python3.13": ("3.13", False), "python3": ("3.9", True)})
    assert ended.returncode == 1
    assert "python3.13 (3.13, without its venv module" in ended.stderr
    assert "python3 (3.9)" in ended.stderr
    for remedy in ("apt install python3-venv", "uv python install", "conda create"):
        assert remedy in ended.stderr
    assert "no Python named mine" in find_python({}, PYTHON="mine").stderr


def test_nothing_large_and_no_package_is_in_the_repository():
    if not (ROOT / ".git").exists():
        pytest.skip("not a clone, so that what is tracked is not known")
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    files = [ROOT / name for name in listed.stdout.split("\0") if name]
    assert len(files) > 100
    assert {f.name for f in files if f.suffix in (".whl", ".zip", ".gz", ".tar")} == PACKED
    large = {f.name: f.stat().st_size for f in files if f.is_file() and f.stat().st_size > LARGEST}
    assert set(large) == {TABLE} and large[TABLE] < TABLE_BYTES
