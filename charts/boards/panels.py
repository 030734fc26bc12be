"""Parts of the dashboards: panels with a description, thresholds and a link to a runbook, and rows of panels."""

from collections.abc import Sequence
from typing import NamedTuple

from grafana_foundation_sdk.builders import common, dashboard, prometheus, stat, timeseries
from grafana_foundation_sdk.models import common as common_models
from grafana_foundation_sdk.models import dashboard as models

SOURCE = common_models.DataSourceRef(type_val="prometheus", uid="${datasource}")
# Labels of the recording rules, and of the metrics of the service.
RELEASE = 'namespace=~"$namespace", job=~"$job"'
OWN = f'{RELEASE}, instance=~"$instance"'
# In alerts and dashboards the chart replaces this address if prometheusRule.runbookUrl is set.
RUNBOOKS = "https://github.com/mathops/mathops/blob/main/docs/runbooks.md"
COLORS: tuple[str, ...] = ("green", "orange", "red")


class Query(NamedTuple):
    expression: str
    legend: str
    exemplars: bool = False
    # Evaluate once, for the end of the time range.
    instant: bool = False


class Panel(NamedTuple):
    """A time series, or with `single` one value. `limits` are the values from which it is orange and red."""

    title: str
    description: str
    unit: str
    queries: Sequence[Query]
    limits: Sequence[float] = ()
    alerts: Sequence[str] = ()
    single: bool = False
    # A value below the limits is worse than one above them.
    high_is_good: bool = False
    width: int = 8


class Row(NamedTuple):
    title: str
    panels: Sequence[Panel]


class Board(NamedTuple):
    name: str
    title: str
    description: str
    rows: Sequence[Row]


def own(metric: str, matchers: str = "") -> str:
    """The selector of a metric of the service."""
    return selector(metric, OWN, matchers)


def selector(metric: str, labels: str, matchers: str = "") -> str:
    return f"{metric}{{{f'{labels}, {matchers}' if matchers else labels}}}"


def rate(metric: str, matchers: str = "") -> str:
    return rate_of(own(metric, matchers))


def rate_of(selected: str) -> str:
    return f"rate({selected}[$__rate_interval])"


def fraction(part: str, rest: str) -> str:
    """Of `part` in the sum of both."""
    return f"sum({part}) / (sum({part}) + sum({rest}))"


def increase(metric: str) -> str:
    return f"increase({own(metric)}[$__rate_interval])"


def quantile(fraction: float, metric: str, labels: str = "") -> str:
    by = f"le, {labels}" if labels else "le"
    return f"histogram_quantile({fraction:g}, sum by ({by}) ({rate(f'{metric}_bucket')}))"


def dashboard_of(board: Board) -> dashboard.Dashboard:
    result = (
        dashboard.Dashboard(f"mathops / {board.title}")
        .uid(f"mathops-{board.name}")
        .description(board.description)
        .tags(["mathops"])
        .refresh("30s")
        .time("now-1h", "now")
        .tooltip(models.DashboardCursorSync.CROSSHAIR)
        .link(_other_boards())
        .annotation(_deployments())
    )
    for variable in _variables():
        result.with_variable(variable)
    number = 0
    for row in board.rows:
        number += 1
        result.with_row(dashboard.Row(row.title).id(number))
        for panel in row.panels:
            number += 1
            result.with_panel(_panel(panel).id(number))
    return result


def _other_boards() -> dashboard.DashboardLink:
    link = dashboard.DashboardLink("mathops").type(models.DashboardLinkType.DASHBOARDS)
    return link.tags(["mathops"]).include_vars(include_vars=True).keep_time(keep_time=True)


def _deployments() -> dashboard.AnnotationQuery:
    """A version is marked where no instance of the release had it two minutes before."""
    version = f"count by (namespace, job, version) (mathops_build_info{{{RELEASE}}})"
    before = f"count by (namespace, job, version) (mathops_build_info{{{RELEASE}}} offset 2m)"
    return (
        dashboard.AnnotationQuery()
        .name("Deployments")
        .datasource(SOURCE)
        .enable(enable=True)
        .icon_color("blue")
        .expr(f"{version} unless {before}")
        .step("60s")
        .title_format("{{job}} {{version}}")
    )


def _variables() -> list[dashboard.DatasourceVariable | dashboard.QueryVariable]:
    build = "mathops_build_info"
    return [
        dashboard.DatasourceVariable("datasource").label("Data source").type("prometheus"),
        _variable("namespace", "Namespace", build),
        _variable("job", "Job", f'{build}{{namespace=~"$namespace"}}'),
        # Matches instances of the past too.
        _variable("instance", "Instance", f"{build}{{{RELEASE}}}").all_value(".*"),
    ]


def _variable(name: str, label: str, series: str) -> dashboard.QueryVariable:
    return (
        dashboard.QueryVariable(name)
        .label(label)
        .datasource(SOURCE)
        .query({"query": f"label_values({series}, {name})", "refId": name})
        .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .include_all(include_all=True)
        .multi(multi=True)
        .current(models.VariableOption(text="All", value="$__all"))
        .sort(models.VariableSort.ALPHABETICAL_ASC)
    )


def _panel(panel: Panel) -> stat.Panel | timeseries.Panel:
    result = _single(panel) if panel.single else _series(panel)
    result.title(panel.title).description(panel.description).datasource(SOURCE).unit(panel.unit)
    result.span(panel.width).height(4 if panel.single else 8).thresholds(_thresholds(panel))
    if not panel.high_is_good:
        result.min(0)
    if panel.alerts:
        result.links([_runbook(alert) for alert in panel.alerts])
    for letter, query in zip("ABCDEF", panel.queries, strict=False):
        result.with_target(_target(query).ref_id(letter))
    return result


def _single(panel: Panel) -> stat.Panel:
    graph = common_models.BigValueGraphMode
    return (
        stat.Panel()
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .color_mode(common_models.BigValueColorMode.VALUE)
        .graph_mode(graph.NONE if panel.queries[0].instant else graph.AREA)
    )


def _series(panel: Panel) -> timeseries.Panel:
    mode = common_models.GraphThresholdsStyleMode
    style = common.GraphThresholdsStyleConfig().mode(mode.DASHED if panel.limits else mode.OFF)
    legend = common.VizLegendOptions().display_mode(common_models.LegendDisplayMode.LIST)
    tooltip = common.VizTooltipOptions().mode(common_models.TooltipDisplayMode.MULTI)
    return (
        timeseries.Panel()
        .thresholds_style(style)
        .legend(legend.placement(common_models.LegendPlacement.BOTTOM).show_legend(show_legend=True))
        .tooltip(tooltip.sort(common_models.SortOrder.DESCENDING))
    )


def _thresholds(panel: Panel) -> dashboard.ThresholdsConfig:
    colors = COLORS if len(panel.limits) > 1 else (COLORS[0], COLORS[-1])
    if panel.high_is_good:
        colors = colors[::-1]
    values = [None, *panel.limits]
    steps = [models.Threshold(value=value, color=color) for value, color in zip(values, colors, strict=False)]
    if not panel.limits:
        steps = [models.Threshold(value=None, color="blue")]
    return dashboard.ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE).steps(steps)


def _runbook(alert: str) -> dashboard.DashboardLink:
    link = dashboard.DashboardLink(f"Runbook: {alert}").type(models.DashboardLinkType.LINK)
    return link.url(f"{RUNBOOKS}#{alert.lower()}").target_blank(target_blank=True)


def _target(query: Query) -> prometheus.Dataquery:
    target = prometheus.Dataquery().datasource(SOURCE).expr(query.expression).legend_format(query.legend)
    if query.exemplars:
        target.exemplar(exemplar=True)
    return target.instant() if query.instant else target
