import json
import resource
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from mathops.errors import StartupError
from mathops.journal import request_log
from mathops.journal.request_log import RequestLog
from mathops.models import Record
from tests.support.records import json_lines, make_record


def ids(path: Path) -> list[str]:
    return [json.loads(line)["id"] for line in path.read_text().splitlines()]


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """The kernel takes a part of a write that would go beyond, as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, ignored)


def test_each_record_is_one_json_line(tmp_path: Path) -> None:
    record = make_record(parameters={"base": "\n\u2028é", "exp": "5"})

    RequestLog(tmp_path / "log", 10_000, 1).write(json_lines(record))

    (line,) = (tmp_path / "log").read_bytes().splitlines()
    assert json.loads(line) == {name: getattr(record, name) for name in Record.__struct_fields__}


def test_without_lines_no_file_is_created(tmp_path: Path) -> None:
    RequestLog(tmp_path / "log", 10_000, 1).write(b"")

    assert not (tmp_path / "log").exists()


def test_full_files_are_rotated_and_the_oldest_is_deleted(tmp_path: Path) -> None:
    records = [make_record() for _ in range(5)]
    log = RequestLog(tmp_path / "log", 1, 2)

    for record in records:
        log.write(json_lines(record))

    assert ids(tmp_path / "log") == []
    assert ids(tmp_path / "log.1") == [records[4].id]
    assert ids(tmp_path / "log.2") == [records[3].id]
    assert not (tmp_path / "log.3").exists()


def test_concurrent_writers_lose_no_line_at_rotation(tmp_path: Path) -> None:
    records = [make_record() for _ in range(400)]

    def write(part: int) -> None:
        log = RequestLog(tmp_path / "log", 4000, 1000)
        for record in records[part::4]:
            log.write(json_lines(record))

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(write, range(4)))

    files = [path for path in tmp_path.iterdir() if path.suffix != ".lock"]
    assert len(files) > 10
    assert sorted(line for path in files for line in ids(path)) == sorted(record.id for record in records)


def test_a_line_that_a_killed_process_left_unfinished_is_cut_off(tmp_path: Path) -> None:
    whole, later = make_record(), make_record()
    log = RequestLog(tmp_path / "log", 10_000, 1)
    log.write(json_lines(whole))
    with (tmp_path / "log").open("a") as file:
        file.write('{"id":"unfin')

    log.write(json_lines(later))

    assert ids(tmp_path / "log") == [whole.id, later.id]


def test_lines_that_do_not_fit_are_not_written_in_part(tmp_path: Path) -> None:
    fits, too_much, later = make_record(), [make_record() for _ in range(10)], make_record()
    log = RequestLog(tmp_path / "log", 100_000, 1)
    log.write(json_lines(fits))

    with largest_file((tmp_path / "log").stat().st_size + 500), pytest.raises(OSError, match="too large"):
        log.write(json_lines(*too_much))
    log.write(json_lines(later))

    assert ids(tmp_path / "log") == [fits.id, later.id]


def test_an_unwritable_path_is_a_startup_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(StartupError, match=r"the request log .*requests.log cannot be written: File exists"):
        request_log.prepare(tmp_path / "file" / "requests.log")
