"""Generate dashboards/*.json by Grafana's typed library. `make chart-docs` runs this program."""

import json
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from charts.boards.backing_services import BACKING_SERVICES
from charts.boards.computing import COMPUTING
from charts.boards.journal import JOURNAL
from charts.boards.panels import dashboard_of
from charts.boards.requests import REQUESTS

TARGET = Path(__file__).parent / "mathops" / "dashboards"


def documents() -> dict[str, str]:
    """The text of each file by its name."""
    boards = (REQUESTS, COMPUTING, JOURNAL, BACKING_SERVICES)
    return {
        f"{board.name}.json": json.dumps(dashboard_of(board).build(), cls=JSONEncoder, indent=2) + "\n"
        for board in boards
    }


if __name__ == "__main__":
    for name, text in documents().items():
        (TARGET / name).write_text(text)
