"""The view of `mathops top`. tests/server runs it on a service."""

from datetime import UTC, datetime

import pytest

from mathops.cli.top.frame import WIDTH, frame
from mathops.cli.top.scrape import Interval, Scrape
from mathops.telemetry import metrics
from tests.support.server import free_port
from tests.unit.cli.conftest import Run

BUILD = 'mathops_build_info{version="9.8.7",python="3.11"} 1'
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def scrape(time: float, *lines: str) -> Scrape:
    return Scrape("".join(f"{line}\n" for line in ("# TYPE http_requests_total counter", BUILD, *lines)), time)


def requests(route: str, status: int, count: float, method: str = "GET") -> str:
    return f'http_requests_total{{method="{method}",route="{route}",status="{status}"}} {count}'


def buckets(route: str, **counts: float) -> list[str]:
    """Cumulative counts by bound; `s1` is 1 s, `m5` is 5 ms."""
    bounds = {"m1": "0.001", "m5": "0.005", "s1": "1.0", "inf": "+Inf"}
    return [
        f'http_request_duration_seconds_bucket{{method="GET",route="{route}",le="{bounds[name]}"}} {count}'
        for name, count in counts.items()
    ]


def row(text: str, name: str) -> list[str]:
    return next(line.split() for line in text.splitlines() if line.split()[:1] == [name])


def test_rates_are_per_second_of_the_interval_and_sum_over_other_labels() -> None:
    interval = Interval(
        scrape(10, requests("/pow", 200, 100)),
        scrape(14, requests("/pow", 200, 140), requests("/pow", 422, 8), requests("/fib", 200, 4, "POST")),
    )

    assert interval.rate(metrics.HTTP_REQUESTS) == 13
    assert interval.rate(metrics.HTTP_REQUESTS, route="/pow", status="200") == 10
    assert interval.rates(metrics.HTTP_REQUESTS, "route") == {"/pow": 12, "/fib": 1}


def test_a_restarted_counter_counts_from_zero() -> None:
    interval = Interval(scrape(0, requests("/pow", 200, 1000)), scrape(1, requests("/pow", 200, 3)))

    assert interval.rate(metrics.HTTP_REQUESTS) == 3


def test_quantiles_interpolate_within_the_buckets_of_the_interval() -> None:
    before = scrape(0, *buckets("/pow", m1=50, m5=50, s1=50, inf=50))
    now = scrape(1, *buckets("/pow", m1=60, m5=140, s1=149, inf=150), *buckets("/fib", m1=0, m5=0, s1=0, inf=0))
    interval = Interval(before, now)

    assert interval.quantile(metrics.HTTP_DURATION, 0.5) == pytest.approx(0.003)
    assert interval.quantile(metrics.HTTP_DURATION, 0.05, route="/pow") == pytest.approx(0.0005)
    assert interval.quantile(metrics.HTTP_DURATION, 0.995) == float("inf")
    assert interval.quantile(metrics.HTTP_DURATION, 0.5, route="/fib") is None
    assert Interval(now, now).quantile(metrics.HTTP_DURATION, 0.5) is None


def test_the_frame_shows_routes_operations_and_components() -> None:
    before = scrape(0, "mathops_cache_hits_total 10", "mathops_cache_misses_total 10")
    now = scrape(
        2,
        requests("/pow", 200, 18),
        requests("/pow", 422, 1),
        requests("/pow", 503, 1),
        requests("/fib", 200, 4),
        requests("/idle", 200, 0),
        *buckets("/pow", m1=0, m5=10, s1=20, inf=20),
        'mathops_operations_total{operation="pow",outcome="ok",cache="hit"} 12',
        'mathops_operations_total{operation="pow",outcome="ok",cache="miss"} 6',
        'mathops_operations_total{operation="pow",outcome="overloaded",cache="none"} 2',
        "mathops_cache_hits_total 22",
        "mathops_cache_misses_total 14",
        "mathops_pool_workers 4",
        "mathops_pool_busy_workers 3",
        'mathops_pool_worker_exits_total{reason="died"} 1',
        "mathops_journal_rows_total 44",
        "mathops_journal_restarts_total 7",
        "mathops_outbox_pending_rows 1234",
        "mathops_outbox_oldest_age_seconds 12.34",
        "mathops_event_dead_letters_total 5",
        'mathops_circuit_breaker_open{dependency="cache"} 1',
        'mathops_circuit_breaker_open{dependency="rate_limits"} 0',
    )

    text = frame("http://one", Interval(before, now), NOON)

    assert text.splitlines()[0].split("  ")[0] == "mathops 9.8.7 at http://one"
    assert text.splitlines()[0].endswith("  12:00:00 UTC, last 2.0 s")
    assert row(text, "all") == ["all", "12.0", "5.0", "ms", "900.5", "ms", "980.1", "ms", "0.5", "0.5"]
    assert row(text, "/pow")[:2] == ["/pow", "10.0"]
    assert row(text, "/fib") == ["/fib", "2.0", "-", "-", "-", "0.0", "0.0"]
    assert "/idle" not in text
    assert row(text, "pow") == ["pow", "10.0", "-", "-", "-", "6.0", "1.0"]
    assert "hit ratio 75%   6.0 hits/s   2.0 misses/s   0.0 errors/s" in text
    assert "3 of 4 busy   0 queued   0.5 died/s" in text
    assert "Journal       22.0 rows/s   commit P99 -   0 in flight   0.0 failures/s\n" in text
    assert "\n              7 restarts\n" in text
    assert "1,234 pending   oldest 12.3 s   0.0 published/s   0.0 failures/s\n              5 dead letters\n" in text
    assert "cache unavailable   rate_limits ok" in text


def test_a_frame_of_many_routes_fits_on_24_lines() -> None:
    now = scrape(
        1,
        *(requests(f"/{number}", 200, 1000) for number in range(30)),
        *(
            f'mathops_operations_total{{operation="{name}",outcome="ok",cache="hit"}} 1'
            for name in ("pow", "fib", "fact")
        ),
        *(f'mathops_pool_worker_exits_total{{reason="{reason}"}} 1' for reason in ("died", "killed")),
        *(f'mathops_circuit_breaker_open{{dependency="{name}"}} 1' for name in ("cache", "rate_limits")),
        "mathops_outbox_pending_rows 123456",
    )

    lines = frame("http://one", Interval(scrape(0), now), NOON).splitlines()

    assert len(lines) <= 24
    assert "and 26 more" in lines


def test_a_frame_fits_on_80_columns_whatever_the_values() -> None:
    large = 123_456_789_012
    routes = [f"/{number}/" + "long-route" * 10 for number in range(30)]
    now = scrape(
        1,
        *(requests(route, status, large) for route in routes for status in (200, 404, 500)),
        *buckets(routes[0], m1=0, inf=large),
        *(
            f'mathops_operations_total{{operation="{name}",outcome="ok",cache="hit"}} {large}'
            for name in ("pow", "fib", "a-long-name-of-an-operation")
        ),
        f"mathops_cache_hits_total {large}",
        f"mathops_pool_workers {large}",
        f"mathops_journal_rows_total {large}",
        f"mathops_outbox_pending_rows {large}",
        f"mathops_event_dead_letters_total {large}",
    )

    lines = frame("http://" + "host" * 50, Interval(scrape(0), now), NOON).splitlines()

    assert max(map(len, lines)) <= WIDTH == 80
    assert lines[0].endswith("  12:00:00 UTC, last 1.0 s")


def test_control_characters_in_labels_are_escaped() -> None:
    text = frame("http://one", Interval(scrape(0), scrape(1, requests("/\x1b[31m", 200, 1))), NOON)

    assert "\x1b" not in text


def test_an_unreachable_service_is_reported_in_one_line(run: Run) -> None:
    result = run("top", "--once", "--url", f"127.0.0.1:{free_port()}")

    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1
    assert "Connection refused" in result.stderr


def test_output_to_a_pipe_requires_the_option_for_one_frame(run: Run) -> None:
    result = run("top", "--url", "localhost")

    assert result.exit_code == 2
    assert "use --once" in result.stderr


@pytest.mark.parametrize("text", ["<html>hello</html>", '{"hello": 1}', "", "up 1\n"])
def test_metrics_of_another_program_are_rejected(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Scrape(text, 0)
