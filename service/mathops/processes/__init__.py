"""Child processes of a web worker: messages, supervision, and a pool for large computations."""
