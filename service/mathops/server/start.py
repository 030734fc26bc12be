"""Starts the service: the journal process first, which imports its modules while this process imports its own."""

from mathops.journal.supervision import journal_process
from mathops.settings import Settings
from mathops.telemetry import logs


def serve(settings: Settings, *, reload: bool = False) -> None:
    """Run until a signal; raises StartupError."""
    logs.configure(settings.log_level, settings.log_format)
    if reload:
        from mathops.server.master import serve_with_reload

        serve_with_reload(settings)
        return
    journal = journal_process(settings)
    with journal.preloading():
        # Importing these takes as long as the journal process takes for its modules.
        from mathops.server.listeners import bind
        from mathops.server.master import Gunicorn, prepare

        # Bind first: a second service started by mistake must not touch the journal of the first.
        sockets = bind(settings)
        prepare(settings)
    Gunicorn(settings, sockets, journal).run()
