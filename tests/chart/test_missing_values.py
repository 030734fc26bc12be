"""Values that a release lacks: added since its version (`helm upgrade --reuse-values`), or null."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from tests.chart.rendering import CHART, CUSTOM, SHAPES, objects, render, values_of
from tests.support.previous_chart import previous_chart

VALUES: dict[str, Any] = yaml.safe_load((CHART / "values.yaml").read_text())
SCHEMA: dict[str, Any] = json.loads((CHART / "values.schema.json").read_text())


@pytest.fixture(scope="module")
def reused(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This chart with the values of the previous version, as `helm upgrade --reuse-values` combines them."""
    folder = tmp_path_factory.mktemp("reused")
    previous = yaml.safe_load((previous_chart(folder) / "values.yaml").read_text())
    chart = folder / "chart"
    shutil.copytree(CHART, chart)
    (chart / "values.yaml").write_text(yaml.safe_dump(without_additions(VALUES, previous)))
    return chart


def without_additions(values: Any, previous: Any) -> Any:
    """The keys of `previous`, with the current defaults where they still exist."""
    if not (isinstance(values, dict) and isinstance(previous, dict) and previous):
        return values
    return {key: without_additions(values.get(key, old), old) for key, old in previous.items()}


@pytest.mark.parametrize("shape", SHAPES)
def test_reused_values_of_the_previous_version_render_the_same_objects(reused: Path, shape: str) -> None:
    # Generated secrets differ in every rendering.
    def rendered(chart: Path) -> list[dict[str, Any]]:
        documents = objects(render(*values_of(shape), chart=chart))
        return [document for document in documents if document["kind"] != "Secret"]

    assert rendered(reused) == rendered(CHART)


def leaves(schema: dict[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Paths of the values that may be null."""
    for name, inner in schema["properties"].items():
        if "properties" in inner and name != "settings":
            yield from leaves(inner, (*path, name))
        elif name not in schema.get("required", []):
            yield (*path, name)


def sections(schema: dict[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], bool]]:
    """Paths of the sections and of the other values that cannot be null, and whether they can."""
    for name, inner in schema["properties"].items():
        required = name in schema.get("required", [])
        section = "properties" in inner and name != "settings"
        if section or required:
            yield (*path, name), not required
        if section:
            yield from sections(inner, (*path, name))


def is_set(values: Any, path: tuple[str, ...]) -> bool:
    for name in path:
        if not isinstance(values, dict) or name not in values:
            return False
        values = values[name]
    return True


def nulls(paths: list[tuple[str, ...]]) -> list[str]:
    return ["--set", ",".join(f"{'.'.join(path)}=null" for path in paths)]


@pytest.mark.parametrize("shape", SHAPES)
def test_every_optional_value_may_be_null(shape: str) -> None:
    given = yaml.safe_load((CHART / "ci" / f"{shape}-values.yaml").read_text()) or {}
    # Without the first two, the other values of a section would have no effect; volumePermissions requires the third.
    kept = {"enabled", "create", "podSecurityContext"}
    paths = [path for path in leaves(SCHEMA) if path[-1] not in kept and not is_set(given, path)]
    assert len(paths) > 100

    for document in objects(render(*values_of(shape), *nulls(paths))):
        if not document["apiVersion"].startswith(CUSTOM):
            kubernetes_validate.validate(document, "1.34", strict=True)


@pytest.mark.parametrize("shape", SHAPES)
def test_sections_added_since_the_first_version_may_be_null(shape: str) -> None:
    paths = [path for path, optional in sections(SCHEMA) if optional]
    assert paths

    assert objects(render(*values_of(shape), *nulls(paths)))


def test_a_null_that_the_templates_do_not_support_is_rejected_by_name() -> None:
    paths = [path for path, optional in sections(SCHEMA) if not optional]
    assert ("redis",) in paths

    for path in paths:
        with pytest.raises(subprocess.CalledProcessError) as raised:
            render(*nulls([path]))
        assert f"missing property '{path[-1]}'" in raised.value.stderr
