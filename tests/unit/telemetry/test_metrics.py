import re
from pathlib import Path

import pytest
from prometheus_client import REGISTRY
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from mathops import __version__
from mathops.telemetry import metrics

ROOT = Path(__file__).parents[3]
OPENMETRICS = "application/openmetrics-text; version=1.0.0"
OURS = re.compile(r"(http|mathops)_[a-z_]+")
# Labels that Prometheus or its client add.
RESERVED = {"le", "quantile", "job", "instance", "pid"}
NOT_BASE_UNITS = re.compile(r"_(ms|milliseconds|microseconds|minutes|hours|kilobytes|kb|mb|percent)(_|$)")


def families() -> list[Metric]:
    return [family for family in REGISTRY.collect() if OURS.fullmatch(family.name)]


def exposed(family: Metric) -> str:
    """The name of the series in Prometheus."""
    return family.name + "_total" if family.type == "counter" else family.name


@pytest.mark.parametrize("family", families(), ids=lambda family: family.name)
def test_a_metric_follows_prometheus_conventions(family: Metric) -> None:
    assert not NOT_BASE_UNITS.search(family.name)
    assert family.documentation.endswith(".")
    assert family.type in ("counter", "gauge", "histogram")
    if family.type == "histogram":
        assert family.name.endswith(("_seconds", "_bytes"))
    else:
        assert not family.name.endswith(("_total", "_count", "_sum", "_bucket"))
    assert not RESERVED & {label for sample in family.samples for label in sample.labels if label != "le"}


@pytest.mark.parametrize(("accept", "parse"), [("", parse_text), (OPENMETRICS, parse_openmetrics)])
def test_a_page_parses_and_has_every_family_once(accept: str, parse: object) -> None:
    page, _ = metrics.exposition(accept)

    assert callable(parse)
    names = [family.name for family in parse(page.decode())]
    assert len(names) == len(set(names))
    assert {family.name for family in families()} <= set(names)


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [("", "text/plain"), ("text/html, */*;q=0.1", "text/plain"), (OPENMETRICS, "application/openmetrics-text")],
)
def test_the_accept_header_chooses_the_format(accept: str, media_type: str) -> None:
    page, content_type = metrics.exposition(accept)

    assert content_type.partition(";")[0] == media_type
    assert page.endswith(b"# EOF\n") == (media_type != "text/plain")


def test_no_series_has_a_creation_timestamp() -> None:
    metrics.OPERATIONS.labels("pow", "ok", "miss")

    assert b"_created" not in metrics.exposition("")[0]


def test_build_info_holds_the_version() -> None:
    metrics.set_initial_values()

    (sample,) = next(family for family in families() if family.name == "mathops_build_info").samples
    assert (sample.labels["version"], sample.value) == (__version__, 1)


def test_the_reasons_of_failures_are_present_before_the_first_failure() -> None:
    metrics.set_initial_values()

    families_by_name = {family.name: family for family in families()}
    for name, reason in (("mathops_journal_failures", "timeout"), ("mathops_pool_worker_exits", "died")):
        assert reason in {sample.labels["reason"] for sample in families_by_name[name].samples}


def test_every_metric_is_documented_with_its_labels_and_nothing_else_is() -> None:
    page = (ROOT / "docs/operations.md").read_text()
    rows = re.findall(r"^\| `((?:http|mathops)_\w+)(?:\{([\w, ]+)\})?` \|", page, re.MULTILINE)
    documented = {name: set(filter(None, labels.split(", "))) for name, labels in rows}

    defined = {
        exposed(family): set(collector._labelnames)
        for collector in list(REGISTRY._collector_to_names)
        for family in collector.collect()
        if OURS.fullmatch(family.name)
    }

    assert documented == defined
