import json
from pathlib import Path

from mathops.settings import Settings
from mathops.settings_source import env_name
from tests.unit.cli.conftest import Run


def test_every_setting_is_listed_with_its_value_and_source(run: Run, tmp_path: Path) -> None:
    secret = tmp_path / "workers"
    secret.write_text("3\n")

    rows = json.loads(run("config", "--json", MATHOPS_HTTP_PORT="8080", MATHOPS_WORKERS_FILE=str(secret)).stdout)

    found = {row["variable"]: (row["value"], row["source"]) for row in rows}
    assert list(found) == [env_name(name) for name in Settings.model_fields]
    assert found["MATHOPS_HTTP_PORT"] == ("8080", "MATHOPS_HTTP_PORT")
    assert found["MATHOPS_WORKERS"] == ("3", "MATHOPS_WORKERS_FILE")
    assert found["MATHOPS_TOKEN_ISSUER"] == ("mathops", "default")


def test_the_table_has_one_line_per_setting(run: Run) -> None:
    lines = run("config").stdout.splitlines()

    assert lines[0].split() == ["VARIABLE", "VALUE", "SOURCE"]
    assert len(lines) == 1 + len(Settings.model_fields)


def test_passwords_are_hidden(run: Run) -> None:
    url = "postgresql://math:hunter2@db/math"

    for arguments in (("config",), ("config", "--json")):
        text = run(*arguments, MATHOPS_DATABASE_URL=url).output
        assert "hunter2" not in text
        assert "postgresql://math:***@db/math" in text


def test_mathops_token_is_accepted_and_is_not_a_setting(run: Run) -> None:
    result = run("config", MATHOPS_TOKEN="x")

    assert result.exit_code == 0
    assert "MATHOPS_TOKEN " not in result.stdout
