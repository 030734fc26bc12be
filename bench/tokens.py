"""Compares requests with an own token, with a token of an external issuer, and with the session of a browser.

All go to one server, whose issuers file makes it look at the issuer of each token. Needs wrk and PYTHONPATH=. of the
repository.
"""

import tempfile
from functools import partial
from pathlib import Path
from typing import NamedTuple

import compare
import httpx2
import interleave
import servers
from tests.support.sign_in_issuer import SignInIssuer, issuers_file

PORT = 5816


class Measurement(NamedTuple):
    """Requests/s, and microseconds of processor time per request of all processes of the service."""

    rate: float
    processor: float


def main() -> None:
    """Print the table."""
    options = interleave.parse_options(__doc__, rounds=5)
    with tempfile.TemporaryDirectory(prefix=".bench-", dir=Path.cwd()) as scratch, SignInIssuer().running() as issuer:
        folder = Path(scratch)
        variables = {"MATHOPS_ISSUERS_FILE": issuers_file(folder, issuer.entry())}
        with servers.running(servers.mathops(folder / "mathops", PORT, **variables)) as process:
            servers.wait(PORT, compare.PATH)
            headers = {
                "own token": f"Authorization: Bearer {servers.login(PORT)}",
                "external token": f"Authorization: Bearer {issuer.forge()}",
                "session": f"Cookie: {_session(issuer)}",
            }
            medians = interleave.medians(
                options.rounds,
                {
                    name: partial(measure, process.pid, header, options.connections, options.seconds)
                    for name, header in headers.items()
                },
            )
    print(f"{options.connections} connections, {options.rounds} rounds, medians\n")
    print("| credential | requests/s | processor µs per request | of an own token |")
    print("|---|---:|---:|---:|")
    for name, median in medians.items():
        share = median.processor / medians["own token"].processor
        print(f"| {name} | {median.rate:,.0f} | {median.processor:.0f} | {share:.2f} |")


def measure(pid: int, header: str, connections: int, seconds: int) -> Measurement:
    """Load the service with that header."""
    before = servers.processor_seconds(pid)
    rate = compare.load(PORT, header, connections, seconds).rate
    return Measurement(rate, (servers.processor_seconds(pid) - before) / (rate * seconds) * 1e6)


def _session(issuer: SignInIssuer) -> str:
    """The cookie of a user who has signed in."""
    with httpx2.Client(base_url=f"http://127.0.0.1:{PORT}") as browser:
        started = browser.get("/sign-in/test")
        browser.get(issuer.respond(started.headers["location"]))
        return f"mathops-session={browser.cookies['mathops-session']}"


if __name__ == "__main__":
    main()
