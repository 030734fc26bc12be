"""Computing processes, cache and resources."""

from charts.boards.panels import Board, Panel, Query, Row, fraction, increase, own, quantile, rate

COMPUTING = Board(
    "computing",
    "Computing and cache",
    "Computing processes, cache and resources of mathops.",
    [
        Row(
            "Computing",
            [
                Panel(
                    "Computing processes",
                    "Total and busy processes.",
                    "none",
                    [
                        Query(f"sum({own('mathops_pool_workers')})", "total"),
                        Query(f"sum({own('mathops_pool_busy_workers')})", "busy"),
                    ],
                ),
                Panel(
                    "Queued computations",
                    "Computations waiting for a process.",
                    "none",
                    [Query(f"sum by (instance) ({own('mathops_pool_queued_computations')})", "{{instance}}")],
                    limits=[1],
                    alerts=["MathopsPoolSaturated"],
                ),
                Panel(
                    "Process exits",
                    "Processes killed at a deadline or lost.",
                    "none",
                    [Query(f"sum({increase('mathops_pool_worker_exits_total')}) or vector(0)", "ended")],
                    limits=[1],
                    alerts=["MathopsPoolWorkersLost"],
                ),
                Panel(
                    "Computation time by operation, 99th percentile",
                    "Includes the wait in the queue; excludes cache hits.",
                    "s",
                    [Query(quantile(0.99, "mathops_operation_duration_seconds", "operation"), "{{operation}}")],
                    width=12,
                ),
                Panel(
                    "Computations",
                    "Per second, by operation.",
                    "ops",
                    [
                        Query(
                            f"sum by (operation) ({rate('mathops_operation_duration_seconds_count')})", "{{operation}}"
                        )
                    ],
                    width=12,
                ),
            ],
        ),
        Row(
            "Cache",
            [
                Panel(
                    "Hits and misses",
                    "Per second.",
                    "ops",
                    [
                        Query(f"sum({rate('mathops_cache_hits_total')})", "hits"),
                        Query(f"sum({rate('mathops_cache_misses_total')})", "misses"),
                    ],
                    width=12,
                ),
                Panel(
                    "Hit ratio",
                    "Fraction of results served from the cache.",
                    "percentunit",
                    [Query(fraction(rate("mathops_cache_hits_total"), rate("mathops_cache_misses_total")), "hits")],
                    width=12,
                ),
            ],
        ),
        Row(
            "Process",
            [
                Panel(
                    "CPU",
                    "CPU cores used by the web worker; only of instances with one web worker.",
                    "none",
                    [Query(f"sum by (pod, instance) ({rate('process_cpu_seconds_total')})", "{{pod}} {{instance}}")],
                ),
                Panel(
                    "Memory",
                    "Web worker only.",
                    "bytes",
                    [Query(f"sum by (pod, instance) ({own('process_resident_memory_bytes')})", "{{pod}} {{instance}}")],
                ),
                Panel(
                    "Open files",
                    "Web worker only.",
                    "none",
                    [Query(f"sum by (pod, instance) ({own('process_open_fds')})", "{{pod}} {{instance}}")],
                ),
            ],
        ),
    ],
)
