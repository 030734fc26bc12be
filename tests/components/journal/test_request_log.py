import json
import os
import resource
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
from structlog.testing import capture_logs

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


def test_without_lines_nothing_is_written_but_an_unwritable_file_is_an_error(tmp_path: Path) -> None:
    log = RequestLog(tmp_path / "log", 10_000, 1)

    log.write(b"")

    assert (tmp_path / "log").read_bytes() == b""
    (tmp_path / "log").unlink()
    (tmp_path / "log").mkdir()
    with pytest.raises(IsADirectoryError):
        log.write(b"")


def test_without_lines_a_full_disk_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    full = SimpleNamespace(f_bavail=0)
    monkeypatch.setattr(os, "fstatvfs", lambda _: full)

    with pytest.raises(OSError, match="No space left"):
        RequestLog(tmp_path / "log", 10_000, 1).write(b"")


def test_a_file_that_cannot_be_renamed_keeps_all_lines_and_is_reported_once(tmp_path: Path) -> None:
    (tmp_path / "log.1").mkdir()
    (tmp_path / "log.1" / "file").touch()
    records = [make_record() for _ in range(3)]
    log = RequestLog(tmp_path / "log", 1, 1)

    with capture_logs() as events:
        for record in records:
            log.write(json_lines(record))

    assert ids(tmp_path / "log") == [record.id for record in records]
    assert [event["event"] for event in events] == ["request log cannot be rotated"]


def test_a_whole_record_without_the_end_of_its_line_is_kept(tmp_path: Path) -> None:
    first, second = make_record(), make_record()
    (tmp_path / "log").write_bytes(json_lines(first).rstrip())

    RequestLog(tmp_path / "log", 10_000, 1).write(json_lines(second))

    assert ids(tmp_path / "log") == [first.id, second.id]


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
