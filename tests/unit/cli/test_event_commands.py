"""`mathops events` without a broker. tests/integration/services tests it with Kafka."""

from tests.unit.cli.conftest import Run


def test_a_missing_journal_is_reported_in_one_line(run: Run) -> None:
    result = run("events", "dead-letters")

    assert result.exit_code == 1
    assert result.stderr == "Error: cannot read events: unable to open database file\n"


def test_a_new_journal_has_no_dead_letters(run: Run) -> None:
    run("db", "upgrade")

    assert run("events", "dead-letters", "--json").stdout == '{"events":[]}\n'


def test_replay_without_configured_brokers_fails(run: Run) -> None:
    result = run("events", "replay", "--since", "2026-01-01")

    assert result.exit_code == 1
    assert "MATHOPS_KAFKA_BROKERS is not set" in result.stderr
