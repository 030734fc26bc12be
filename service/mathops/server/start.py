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
        # This import takes as long as the imports of the journal process.
        from mathops.server.master import Gunicorn, bind_and_prepare

        sockets = bind_and_prepare(settings)
    Gunicorn(settings, sockets, journal).run()
