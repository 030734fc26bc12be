"""The dashboard of Redis, Kafka and PostgreSQL: one row for the metrics of each exporter."""

from charts.boards.panels import Board, Panel, Query, Row, fraction, rate_of, selector


def _exported(service: str, metric: str, matchers: str = "") -> str:
    """The selector of a metric of an exporter, whose job is named after that of the service."""
    return selector(metric, f'namespace=~"$namespace", job=~"$job-{service}"', matchers)


def _redis(metric: str) -> str:
    return _exported("redis", metric)


def _kafka(metric: str, matchers: str = 'topic!~"__.*"') -> str:
    return _exported("kafka", metric, matchers)


def _postgresql(metric: str, matchers: str = 'datname!~"template.*|postgres"') -> str:
    return _exported("postgresql", metric, matchers)


def _up(service: str, expression: str) -> Panel:
    return Panel(
        f"{service} up",
        f"1 if the exporter reaches {service}, else 0.",
        "none",
        [Query(expression, "up")],
        limits=[1],
        high_is_good=True,
        single=True,
        width=24,
    )


REDIS = Row(
    "Redis",
    [
        _up("Redis", f"min({_redis('redis_up')})"),
        Panel(
            "Memory of Redis",
            "Used memory and its limit, beyond which Redis evicts keys.",
            "bytes",
            [
                Query(f"sum({_redis('redis_memory_used_bytes')})", "used"),
                Query(f"sum({_redis('redis_memory_max_bytes')})", "limit"),
            ],
        ),
        Panel(
            "Commands",
            "Processed commands per second.",
            "ops",
            [Query(f"sum({rate_of(_redis('redis_commands_processed_total'))})", "commands")],
        ),
        Panel(
            "Evicted keys",
            "Keys removed per second because the memory is full: cached results are computed again.",
            "ops",
            [Query(f"sum({rate_of(_redis('redis_evicted_keys_total'))})", "evicted")],
        ),
        Panel(
            "Duration of a command, mean",
            "Time inside Redis, without the network. The service counts a call of over 20 ms as slow.",
            "s",
            [
                Query(
                    f"sum by (cmd) ({rate_of(_redis('redis_commands_duration_seconds_total'))})"
                    f" / sum by (cmd) ({rate_of(_redis('redis_commands_total'))})",
                    "{{cmd}}",
                )
            ],
            limits=[0.02],
            width=12,
        ),
        Panel(
            "Clients of Redis",
            "Open connections.",
            "none",
            [Query(f"sum({_redis('redis_connected_clients')})", "connections")],
            width=12,
        ),
    ],
)

KAFKA = Row(
    "Kafka",
    [
        # The scrape fails while the broker is down.
        _up("Kafka", f"min({_kafka('kafka_brokers', '')}) > bool 0 or 0 * min({_kafka('up', '')})"),
        Panel(
            "Messages",
            "Messages added per second, by topic.",
            "ops",
            [Query(f"sum by (topic) ({rate_of(_kafka('kafka_topic_partition_current_offset'))})", "{{topic}}")],
        ),
        Panel(
            "Messages stored",
            "Messages that the broker has not deleted yet, by topic.",
            "none",
            [
                Query(
                    f"sum by (topic) ({_kafka('kafka_topic_partition_current_offset')}"
                    f" - {_kafka('kafka_topic_partition_oldest_offset')})",
                    "{{topic}}",
                )
            ],
        ),
        Panel(
            "Lag of consumers",
            "Messages that a group of consumers has not read yet.",
            "none",
            [
                Query(
                    f"sum by (consumergroup, topic) ({_kafka('kafka_consumergroup_lag')}) or vector(0)",
                    "{{consumergroup}} {{topic}}",
                )
            ],
        ),
    ],
)

POSTGRESQL = Row(
    "PostgreSQL",
    [
        _up("PostgreSQL", f"min({_postgresql('pg_up', '')})"),
        Panel(
            "Transactions",
            "Per second, by database.",
            "ops",
            [
                Query(
                    f"sum by (datname) ({rate_of(_postgresql('pg_stat_database_xact_commit'))})", "commits {{datname}}"
                ),
                Query(
                    f"sum by (datname) ({rate_of(_postgresql('pg_stat_database_xact_rollback'))})",
                    "rollbacks {{datname}}",
                ),
            ],
        ),
        Panel(
            "Connections",
            "Connections by database, and the limit of the server.",
            "none",
            [
                Query(f"sum by (datname) ({_postgresql('pg_stat_database_numbackends')})", "{{datname}}"),
                Query(f"max({_postgresql('pg_settings_max_connections', '')})", "limit"),
            ],
        ),
        Panel(
            "Longest transaction",
            "Events wait until the write transactions before them have ended.",
            "s",
            [Query(f"max by (datname) ({_postgresql('pg_stat_activity_max_tx_duration')})", "{{datname}}")],
            limits=[1],
            alerts=["MathopsSlowCommits"],
        ),
        Panel(
            "Size",
            "Size of the database.",
            "bytes",
            [Query(f"max by (datname) ({_postgresql('pg_database_size_bytes')})", "{{datname}}")],
            width=12,
        ),
        Panel(
            "Blocks found in memory",
            "Fraction of the read blocks that were in PostgreSQL's buffers.",
            "percentunit",
            [
                Query(
                    fraction(
                        rate_of(_postgresql("pg_stat_database_blks_hit")),
                        rate_of(_postgresql("pg_stat_database_blks_read")),
                    ),
                    "hits",
                )
            ],
            width=12,
        ),
    ],
)

BACKING_SERVICES = Board(
    "backing-services",
    "Backing services",
    "Redis, Kafka and PostgreSQL, by their exporters.",
    [REDIS, KAFKA, POSTGRESQL],
)
