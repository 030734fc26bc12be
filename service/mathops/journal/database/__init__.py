"""The journal's database: engines for SQLite and PostgreSQL, tables, schema and migrations."""
