"""Draws the cost of the dependencies in the last complete run in README.md as dependencies.svg."""

from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

HERE = Path(__file__).parent
PAGE = HERE / "README.md"
# Of the section that run.py writes.
HEADING = "## Last complete run"
TABLE = "### `dependencies.py`"
PROCESSOR_COLUMN = 5
# Beside it the others would be invisible.
LEFT_OUT = "FastAPI"


def costs(page: str) -> dict[str, float]:
    """Microseconds per request by dependency, from the last table of that benchmark."""
    section = page.partition(HEADING)[2].partition(TABLE)[2].partition("\n#")[0].rpartition("\n\n")[2]
    rows = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| ")]
    return {
        row[0]: float(row[PROCESSOR_COLUMN].replace(",", "")) for row in rows[1:] if not row[0].startswith(LEFT_OUT)
    }


def draw(microseconds: dict[str, float], path: Path) -> None:
    """One bar for each dependency; the same figures make the same file."""
    mpl.rcParams.update({"svg.hashsalt": "mathops", "svg.fonttype": "none", "font.family": "sans-serif"})
    figure = Figure(figsize=(7, 3), layout="constrained")
    axes = figure.add_subplot()
    bars = axes.barh(list(microseconds), list(microseconds.values()), color="#4c78a8")
    axes.bar_label(bars, fmt="%.0f", padding=3)
    axes.invert_yaxis()
    axes.set_xlabel("processor µs per request")
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, metadata={"Date": None, "Creator": None}, facecolor="white")


def main() -> None:
    """Write the file."""
    draw(costs(PAGE.read_text(encoding="utf-8")), HERE / "dependencies.svg")


if __name__ == "__main__":
    main()
