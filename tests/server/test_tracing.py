"""Traces of a real server, as a collector receives them."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest
from httpx2 import Response

from tests.support.collector import Collector, Received, collecting
from tests.support.server import Server, eventually, free_port, running

TRACE = "0af7651916cd43dd8448eb211c80319c"
CALLER = "b7ad6b7169203331"
TRACEPARENT = {"traceparent": f"00-{TRACE}-{CALLER}-01"}
DELAY = {"OTEL_BSP_SCHEDULE_DELAY": "100"}
SERVER_KIND = 2
COMPUTE = "mathops.processes.pool_worker"


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as found:
        yield found


def traced(start_server: Callable[..., Server], collector: Collector, **variables: str) -> Server:
    return start_server(OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, **DELAY, **variables)


@dataclass(frozen=True)
class Caller:
    """A new trace of a client, its server and the collector of its spans."""

    server: Server
    collector: Collector
    trace_id: str

    def get(self, path: str, flags: str = "01", **headers: str) -> Response:
        traceparent = f"00-{self.trace_id}-{CALLER}-{flags}"
        return self.server.client.get(path, headers={**self.server.login(), "traceparent": traceparent, **headers})

    def spans(self) -> dict[str, Received]:
        return tree(self.collector, self.trace_id)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Collector]]:
    with collecting() as collector:
        variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, **DELAY}
        with running(tmp_path_factory.mktemp("server"), **variables) as server:
            yield server, collector


@pytest.fixture
def caller(shared: tuple[Server, Collector]) -> Caller:
    return Caller(*shared, trace_id=uuid4().hex)


def tree(collector: Collector, trace_id: str) -> dict[str, Received]:
    """The spans of one trace by name, once the server span, which ends last, has arrived."""
    eventually(lambda: any(span.kind == SERVER_KIND for span in collector.trace(trace_id)))
    spans = collector.trace(trace_id)
    assert len({span.name for span in spans}) == len(spans)
    return {span.name: span for span in spans}


def parents(spans: dict[str, Received]) -> dict[str, str]:
    """The name of each span's parent, or its id if it is another span."""
    names = {span.span_id: name for name, span in spans.items()}
    return {name: names.get(span.parent_id, span.parent_id) for name, span in spans.items()}


def test_a_small_request_is_one_tree_below_the_callers_span(caller: Caller) -> None:
    caller.get("/pow?base=3&exp=5", **{"user-agent": "tester"})

    spans = caller.spans()
    assert parents(spans) == {
        "GET /pow": CALLER,
        "journal commit": "GET /pow",
    }
    assert 0 < spans["journal commit"].attributes["mathops.journal.transaction_seconds"] < 5
    request = spans["GET /pow"].attributes
    assert request.pop("mathops.request_id")
    assert request == {
        "http.request.method": "GET",
        "http.route": "/pow",
        "http.response.status_code": 200,
        "url.scheme": "http",
        "url.path": "/pow",
        "url.query": "base=3&exp=5",
        "network.protocol.version": "1.1",
        "client.address": "127.0.0.1",
        "user_agent.original": "tester",
        "mathops.cache": "miss",
    }
    assert not any(span.error for span in spans.values())
    whole = spans["GET /pow"]
    assert all(whole.start <= span.start <= span.end <= whole.end for span in spans.values())


def test_a_large_request_shows_the_work_of_the_pool_worker(caller: Caller) -> None:
    answer = caller.get("/fib?n=2000000")

    spans = caller.spans()
    assert parents(spans)["compute in process"] == "compute"
    work = spans["compute in process"]
    assert work.attributes["mathops.digits"] == answer.json()["digits"]
    assert work.attributes["process.pid"] in {
        process.pid for process in caller.server.processes("mathops.processes.pool_worker")
    }
    timing = dict(stage.split(";dur=") for stage in answer.headers["server-timing"].split(", "))
    measured = float(timing["compute"]) + float(timing["encode"])
    assert (work.end - work.start) / 1e6 == pytest.approx(measured, abs=0.01)


def test_row_log_line_problem_and_span_have_the_same_context(caller: Caller) -> None:
    answer = caller.get("/fact?n=-1")

    assert answer.json()["trace_id"] == caller.trace_id
    spans = caller.spans()
    traceparent = f"00-{caller.trace_id}-{spans['journal commit'].span_id}-01"
    assert caller.server.rows("traceparent", f"trace_id = '{caller.trace_id}'") == [(traceparent,)]
    lines = map(json.loads, (caller.server.folder / "data" / "requests.log").read_text().splitlines())
    assert [line["traceparent"] for line in lines if line["trace_id"] == caller.trace_id] == [traceparent]
    request = spans["GET /fact"]
    assert request.attributes["mathops.problem"] == "invalid-parameter"
    assert request.attributes["mathops.request_id"] == answer.json()["request_id"]
    assert not request.error


def test_a_request_without_a_traceparent_begins_a_trace(caller: Caller) -> None:
    server, user = caller.server, caller.trace_id
    server.client.get("/pow?base=2&exp=5", headers=server.login(user))

    ((trace_id,),) = server.rows("trace_id", f"user = '{user}'")
    assert parents(tree(caller.collector, trace_id))["GET /pow"] == ""


def test_the_operator_names_the_service_and_each_worker_has_an_id(
    start_server: Callable[..., Server], collector: Collector
) -> None:
    server = traced(
        start_server,
        collector,
        MATHOPS_WORKERS="2",
        OTEL_SERVICE_NAME="sums",
        OTEL_RESOURCE_ATTRIBUTES="deployment.environment.name=test",
    )

    def instances() -> set[str]:
        for _ in range(8):
            server.client.get("/livez", headers={"connection": "close"})
        return {span.resource["service.instance.id"] for span in collector.spans}

    eventually(lambda: len(instances()) == 2)
    resource = collector.spans[0].resource
    assert resource["service.name"] == "sums"
    assert resource["deployment.environment.name"] == "test"
    assert resource["service.version"]


def test_an_unsampled_caller_makes_no_spans_and_the_record_says_so(
    start_server: Callable[..., Server], collector: Collector
) -> None:
    server = traced(start_server, collector)

    server.client.get(
        "/pow?base=2&exp=5", headers={**server.login(), "traceparent": TRACEPARENT["traceparent"][:-2] + "00"}
    )
    ((trace_id, traceparent),) = server.rows("trace_id, traceparent")
    assert server.stop() == 0

    assert collector.trace(TRACE) == []
    assert trace_id == TRACE
    assert traceparent.startswith(f"00-{TRACE}-")
    assert traceparent.endswith("-00")


def test_the_sampler_of_the_variables_decides(start_server: Callable[..., Server], collector: Collector) -> None:
    server = traced(start_server, collector, OTEL_TRACES_SAMPLER="traceidratio", OTEL_TRACES_SAMPLER_ARG="0")

    server.client.get("/pow?base=2&exp=5", headers=server.login())
    assert server.stop() == 0

    assert collector.spans == []
    # The id still correlates row and log.
    ((trace_id,),) = server.rows("trace_id")
    assert len(trace_id) == 32


def test_an_empty_variable_counts_as_absent(start_server: Callable[..., Server], collector: Collector) -> None:
    server = traced(start_server, collector, OTEL_BSP_MAX_QUEUE_SIZE="", OTEL_BSP_EXPORT_TIMEOUT=" ")
    server.client.get("/pow?base=2&exp=5", headers={**server.login(), **TRACEPARENT})
    assert server.stop() == 0

    assert collector.trace(TRACE)
    assert "Traceback" not in server.log.read_text()


def test_the_last_spans_are_exported_before_the_end(start_server: Callable[..., Server], collector: Collector) -> None:
    server = start_server(OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, OTEL_BSP_SCHEDULE_DELAY="60000")
    server.client.get("/pow?base=2&exp=5", headers={**server.login(), **TRACEPARENT})

    assert server.stop() == 0

    assert "GET /pow" in tree(collector, TRACE)


def test_a_hanging_collector_delays_neither_requests_nor_the_stop(
    start_server: Callable[..., Server], collector: Collector
) -> None:
    collector.hung = True
    server = traced(start_server, collector, OTEL_BSP_MAX_EXPORT_BATCH_SIZE="8", OTEL_BSP_MAX_QUEUE_SIZE="16")
    bearer = server.login()
    # The journal process may still be starting, and its start should not be measured.
    assert server.client.get("/readyz").status_code == 200
    assert collector.asked.wait(10)

    slowest = 0.0
    for _ in range(50):
        began = time.monotonic()
        assert server.client.get("/pow?base=2&exp=5", headers=bearer).status_code == 200
        slowest = max(slowest, time.monotonic() - began)
    assert slowest < 2

    began = time.monotonic()
    assert server.stop() == 0
    assert time.monotonic() - began < 6


def test_an_unreachable_collector_delays_neither_requests_nor_the_stop(
    start_server: Callable[..., Server],
) -> None:
    server = start_server(OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{free_port()}", OTEL_BSP_SCHEDULE_DELAY="50")
    bearer = server.login()
    eventually(lambda: "encountered while exporting" in server.log.read_text())

    assert server.client.get("/pow?base=2&exp=5", headers=bearer).status_code == 200

    began = time.monotonic()
    assert server.stop() == 0
    assert time.monotonic() - began < 6


@pytest.mark.slow
@pytest.mark.parametrize(
    ("variables", "complaint"),
    [
        (
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4317", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
            "OTEL_EXPORTER_OTLP_PROTOCOL: write http/protobuf",
        ),
        ({"OTEL_TRACES_EXPORTER": "zipkin"}, "OTEL_TRACES_EXPORTER: write otlp or none"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4318"}, "OTEL_EXPORTER_OTLP_ENDPOINT: write a URL"),
    ],
)
def test_an_export_that_cannot_work_ends_the_start_with_one_line(
    tmp_path: Path, variables: dict[str, str], complaint: str
) -> None:
    ended = Server(tmp_path, variables).run("serve")

    assert ended.returncode == 1
    last = ended.stderr.splitlines()[-1]
    assert last.startswith(f"Error: {complaint}")
    assert "Traceback" not in ended.stderr
