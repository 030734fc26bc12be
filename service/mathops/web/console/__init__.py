"""Pages for browsers: the console, the API page, and a page for each problem type."""
