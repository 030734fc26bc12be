"""What `mathops events` says of the journal. What it does with a broker is in tests/integration/services."""

from tests.unit.cli.conftest import Run


def test_a_journal_that_is_not_there_is_one_line(run: Run) -> None:
    result = run("events", "refused")

    assert result.exit_code == 1
    assert result.stderr == "Error: cannot read events: unable to open database file\n"


def test_a_fresh_journal_has_no_refused_events(run: Run) -> None:
    run("db", "upgrade")

    assert run("events", "refused", "--json").stdout == '{"events":[]}\n'


def test_without_brokers_there_is_nothing_to_publish_to(run: Run) -> None:
    result = run("events", "replay", "--since", "2026-01-01")

    assert result.exit_code == 1
    assert "MATHOPS_KAFKA_BROKERS is not set" in result.stderr
