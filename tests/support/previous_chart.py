"""The previous version of the chart, from the history of the repository."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
CHART = "charts/mathops"


def previous_chart(folder: Path) -> Path:
    """The chart as it was before its version last changed, unpacked into `folder`."""
    archive = str(folder / "chart.tar")
    try:
        changed = _git("log", "-1", "--format=%H", "-G^version:", "--", f"{CHART}/Chart.yaml")
        _git("archive", "--output", archive, f"{changed.strip()}^", CHART)
    except subprocess.CalledProcessError as error:
        message = "the previous chart version is read from git, but the history is incomplete: git fetch --unshallow"
        raise AssertionError(message) from error
    subprocess.run(["tar", "--extract", "--file", archive, "--directory", str(folder)], check=True)
    return folder / CHART


def _git(*arguments: str) -> str:
    return subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, check=True).stdout
