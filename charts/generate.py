"""Generate the chart's values.schema.json from values.yaml: types from the defaults, descriptions from the comments.

The tables below contain the types that a default cannot express. A test fails if the generated file is out of date.
"""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from mathops.identity.scopes import SCOPES
from mathops.settings import Settings

CHART = Path(__file__).parent / "mathops"

# Settings that the chart derives from other values, or that have no use in a container.
CHART_SETTINGS = {
    "http_host",
    "http_port",
    "image_created",
    "image_revision",
    "workers",
    "data_dir",
    "database_url",
    "redis_url",
    "kafka_brokers",
    "kafka_security",
    "kafka_sasl_mechanism",
    "kafka_username",
    "kafka_password",
    "keys_file",
    "users_file",
    "issuers_file",
    "shutdown_delay_seconds",
    "shutdown_timeout_seconds",
}

TEXT = {"type": "string"}
ANYTHING = {"type": "object"}
TEXTS = {"type": "object", "additionalProperties": TEXT}
TEXT_LIST = {"type": "array", "items": TEXT}
OBJECT_LIST = {"type": "array", "items": ANYTHING}
PORT = {"type": "integer", "minimum": 1, "maximum": 65535}
COUNT = {"type": "integer", "minimum": 1}
PERCENT = {"type": ["integer", "null"], "minimum": 1}
OPTIONAL_OBJECT = {"type": ["object", "null"]}
QUANTITY = {"type": "string", "pattern": r"^[0-9.]+([EPTGMK]i?|m|k)?$"}
DURATION = {"type": "string", "pattern": r"^([0-9]+(ms|s|m|h))*$"}
DIGEST = {"type": "string", "pattern": "^(sha256:[0-9a-f]{64})?$"}
SETTING = {"type": ["string", "number", "boolean", "null"]}

# Values that cannot be null, by the last name of their path, if their default is not empty.
REQUIRED = {
    "accessModes",
    "existingSecretKey",
    "hosts",
    "keep",
    "maxReplicas",
    "maxUnavailable",
    "port",
    "schedule",
    "security",
    "size",
    "tag",
    "terminationGracePeriodSeconds",
}
# Sections added after version 0.1.0 of the chart. `helm upgrade --reuse-values` omits them, so the templates have their
# defaults.
ADDED = {"exporter", "kubernetesIdentity", "volumePermissions"}

# By the last name of a value's path; BY_PATH takes precedence.
BY_NAME: dict[str, dict[str, Any]] = {
    "digest": DIGEST,
    "size": QUANTITY,
    "port": PORT,
    "interval": DURATION,
    "scrapeTimeout": DURATION,
    "pullPolicy": {"enum": ["Always", "IfNotPresent", "Never"]},
    "dnsPolicy": {"enum": ["", "ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"]},
    "accessModes": {
        "type": "array",
        "minItems": 1,
        "items": {"enum": ["ReadWriteOnce", "ReadWriteOncePod", "ReadWriteMany"]},
    },
    **dict.fromkeys(["lines", "dnsNames", "hostnames", "disabled", "podTargetLabels"], TEXT_LIST),
    **dict.fromkeys(["loadBalancerSourceRanges"], TEXT_LIST),
    "trustedProxies": {"type": "array", "items": {"type": "string", "pattern": r"^([0-9a-fA-F.:]+(/[0-9]{1,3})?|\*)$"}},
    **dict.fromkeys(["annotations", "labels", "podLabels", "podAnnotations", "commonLabels"], TEXTS),
    **dict.fromkeys(["commonAnnotations", "nodeSelector", "resourceAttributes", "additionalRuleLabels"], TEXTS),
    "replicaCount": {"type": ["integer", "null"], "minimum": 1},
    **dict.fromkeys(["workers", "minReplicas", "maxReplicas", "keep", "partitions"], COUNT),
    **dict.fromkeys(["startupProbe", "readinessProbe", "livenessProbe"], OPTIONAL_OBJECT),
    **dict.fromkeys(["resources", "podSecurityContext", "containerSecurityContext", "strategy"], ANYTHING),
    **dict.fromkeys(["targetCPUUtilizationPercentage", "targetMemoryUtilizationPercentage"], PERCENT),
}
IMAGE = {
    **TEXTS,
    "propertyNames": {"enum": ["registry", "repository", "tag", "digest", "pullPolicy"]},
}
BY_PATH: dict[str, dict[str, Any]] = {
    "redis.exporter.image": IMAGE,
    "kafka.exporter.image": IMAGE,
    "keys.keep": {"type": "boolean"},
    "persistence.keep": {"type": "boolean"},
    "kafka.persistence.keep": {"type": "boolean"},
    "kafka.clusterId": {"type": "string", "pattern": "^[A-Za-z0-9_-]{22}$"},
    "externalKafka.security": {"enum": ["plaintext", "ssl", "sasl_plaintext", "sasl_ssl"]},
    "externalKafka.saslMechanism": {"enum": ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]},
    "hostUsers": {"type": ["boolean", "null"]},
    "service.type": {"enum": ["ClusterIP", "NodePort", "LoadBalancer"]},
    "service.nodePort": {"type": ["integer", "null"], "minimum": 1, "maximum": 65535},
    "service.ipFamilyPolicy": {"enum": ["", "SingleStack", "PreferDualStack", "RequireDualStack"]},
    "service.ipFamilies": {"type": "array", "maxItems": 2, "items": {"enum": ["IPv4", "IPv6"]}},
    "service.externalTrafficPolicy": {"enum": ["", "Cluster", "Local"]},
    "podDisruptionBudget.maxUnavailable": {"type": ["integer", "string"]},
    "podDisruptionBudget.unhealthyPodEvictionPolicy": {"enum": ["AlwaysAllow", "IfHealthyBudget"]},
    "issuers": {"type": "array", "items": {"type": "object", "required": ["url", "audience", "grants"]}},
    "kubernetesIdentity.serviceAccounts": {
        "type": "array",
        "items": {
            "type": "object",
            "additionalProperties": False,
            "required": ["namespace", "name", "scopes"],
            "properties": {
                "namespace": TEXT,
                "name": TEXT,
                "scopes": {"type": "array", "minItems": 1, "items": {"enum": list(SCOPES)}},
            },
        },
    },
    "dashboards.exporters": {"type": "array", "items": {"enum": ["redis", "kafka", "postgresql"]}},
    "extraObjects": {"type": "array", "items": {"type": ["object", "string"]}},
    "settings": {
        "type": "object",
        "additionalProperties": False,
        "properties": dict.fromkeys(sorted(set(Settings.model_fields) - CHART_SETTINGS), SETTING),
    },
    # With a name, as in Kubernetes, or as text.
    "global.imagePullSecrets": {"type": "array", "items": {"type": ["string", "object"], "required": ["name"]}},
    # A parent chart may store its own values in global.
    "global": {"additionalProperties": True},
}


def schema_of(value: Any, path: tuple[str, ...], descriptions: dict[str, str]) -> dict[str, Any]:
    name = ".".join(path)
    known = BY_PATH.get(name) or BY_NAME.get(path[-1] if path else "") or {}
    inferred = {} if "type" in known or "enum" in known else _by_default(value, path, descriptions)
    schema: dict[str, Any] = {**inferred, **known}
    return {**schema, **({"description": descriptions[name]} if name in descriptions else {})}


def _by_default(value: Any, path: tuple[str, ...], descriptions: dict[str, str]) -> dict[str, Any]:
    match value:
        case bool():
            return {"type": "boolean"}
        case int():
            return {"type": "integer", "minimum": 0}
        case str():
            return TEXT
        case []:
            return OBJECT_LIST
        case list():
            return {"type": "array", "items": ANYTHING}
        case dict() if value:
            properties = {key: schema_of(inner, (*path, key), descriptions) for key, inner in value.items()}
            required = [key for key, inner in value.items() if _is_required(key, inner, properties[key])]
            fields = {"required": required} if required else {}
            return {"type": "object", "additionalProperties": False, **fields, "properties": properties}
        case dict():
            return ANYTHING
    raise ValueError(f"{'.'.join(path)}: declare its type in charts/generate.py")


def _is_required(name: str, value: Any, schema: dict[str, Any]) -> bool:
    section = "properties" in schema and name != "settings"
    return name not in ADDED and (section or (name in REQUIRED and bool(value)))


def comments(text: str) -> Iterator[tuple[str, str]]:
    """Yield the path of each value and the comment before it."""
    stack: list[tuple[int, str]] = []
    comment: list[str] = []
    for line in text.splitlines():
        if found := re.match(r"\s*# (?:-- )?(.*)", line):
            comment = [found[1]] if "# -- " in line else [*comment, found[1]]
        elif found := re.match(r"( *)([A-Za-z0-9]+):", line):
            stack = [*(entry for entry in stack if entry[0] < len(found[1])), (len(found[1]), found[2])]
            if comment:
                yield ".".join(key for _, key in stack), " ".join(part for part in comment if not part.startswith("@"))
            comment = []


def values_schema() -> str:
    text = (CHART / "values.yaml").read_text()
    schema = schema_of(yaml.safe_load(text), (), dict(comments(text)))
    # A parent chart may enable this chart by `condition: mathops.enabled`.
    schema["properties"]["enabled"] = {"type": "boolean"}
    schema = {"$schema": "http://json-schema.org/draft-07/schema#", **schema}
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    target = CHART / "values.schema.json"
    if "--check" in sys.argv:
        sys.exit(0 if target.read_text() == values_schema() else f"{target} differs: run make chart-docs")
    target.write_text(values_schema())
