"""The content of the dashboards, one module per dashboard."""
