"""The journal, and the publishing of events."""

from charts.boards.panels import Board, Panel, Query, Row, increase, own, quantile, rate

JOURNAL = Board(
    "journal",
    "Journal and events",
    "Commits of the journal, and the publishing of events to Kafka.",
    [
        Row(
            "Journal",
            [
                Panel(
                    "Rows committed",
                    "One row per operation request.",
                    "wps",
                    [Query(f"sum({rate('mathops_journal_rows_total')})", "rows")],
                ),
                Panel(
                    "Commit duration",
                    "Responses wait for the commit.",
                    "s",
                    [
                        Query(quantile(0.5, "mathops_journal_commit_duration_seconds"), "p50"),
                        Query(quantile(0.99, "mathops_journal_commit_duration_seconds"), "p99"),
                    ],
                    limits=[0.25],
                    alerts=["MathopsSlowCommits"],
                ),
                Panel(
                    "Rows per commit",
                    "Many requests share one commit.",
                    "none",
                    [
                        Query(
                            f"sum({rate('mathops_journal_rows_total')})"
                            f" / sum({rate('mathops_journal_commit_duration_seconds_count')})",
                            "rows",
                        )
                    ],
                ),
                Panel(
                    "Rows in flight",
                    "Sent to the journal process and not yet committed.",
                    "none",
                    [Query(f"sum by (instance) ({own('mathops_journal_in_flight_rows')})", "{{instance}}")],
                ),
                Panel(
                    "Failed commits",
                    "The requests of these rows return 503.",
                    "wps",
                    [Query(f"sum({rate('mathops_journal_failures_total')}) or vector(0)", "rejected")],
                    alerts=["MathopsJournalUnavailable"],
                ),
                Panel(
                    "Journal process restarts",
                    "Restarts after an unexpected exit.",
                    "none",
                    [Query(f"sum({increase('mathops_journal_restarts_total')})", "restarts")],
                    limits=[1],
                    alerts=["MathopsJournalRestarts"],
                ),
            ],
        ),
        Row(
            "Events",
            [
                Panel(
                    "Events published",
                    "Acknowledged by the broker.",
                    "ops",
                    [Query(f"sum({rate('mathops_events_published_total')})", "events")],
                ),
                Panel(
                    "Failed publish attempts",
                    "Each attempt is retried.",
                    "none",
                    [Query(f"sum({increase('mathops_event_publish_failures_total')})", "failed")],
                    limits=[1],
                ),
                Panel(
                    "Dead letters",
                    "Events rejected permanently by the broker.",
                    "none",
                    [Query(f"sum({increase('mathops_event_dead_letters_total')})", "dead letters")],
                    limits=[1],
                    alerts=["MathopsEventsRejected"],
                ),
                Panel(
                    "Pending events",
                    "Rows not yet published.",
                    "none",
                    [Query(f"max by (namespace, job) ({own('mathops_outbox_pending_rows')})", "{{job}}")],
                    width=12,
                ),
                Panel(
                    "Age of the oldest pending event",
                    "Age of the oldest row not yet published.",
                    "s",
                    [Query(f"max by (namespace, job) ({own('mathops_outbox_oldest_age_seconds')})", "{{job}}")],
                    limits=[300],
                    alerts=["MathopsEventsDelayed"],
                    width=12,
                ),
            ],
        ),
    ],
)
