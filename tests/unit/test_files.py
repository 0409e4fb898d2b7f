"""Files appear whole, private and durable, or not at all."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import IO

import pytest

from cxtools.files import Staging, append_line, create_once, erase, make_private, write_whole


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def mode(file: Path) -> str:
    return oct(file.stat().st_mode & 0o777)


def break_half_way(file: IO[bytes]) -> None:
    file.write(b"half of it")
    raise ConnectionError("reset by peer")


def test_a_file_appears_whole_and_for_its_owner_only(tmp_path: Path) -> None:
    """Its folder is made, nothing hidden stays behind, and a wider mode has to be asked for."""
    private = write_whole(tmp_path / "made" / "private.txt", b"one")
    shown = write_whole(
        tmp_path / "made" / "shown.txt", lambda file: file.write(b"two"), mode=0o644
    )

    assert ["private.txt", "shown.txt"] == names(tmp_path / "made")
    assert (b"one", b"two") == (private.read_bytes(), shown.read_bytes())
    assert ("0o600", "0o644") == (mode(private), mode(shown))


def test_what_breaks_while_it_is_written_leaves_the_file_of_before(tmp_path: Path) -> None:
    """The error is the writer's own, and the old content stays."""
    file = write_whole(tmp_path / "page.html", b"old")
    with pytest.raises(ConnectionError, match="reset by peer"):
        write_whole(file, break_half_way)

    assert ["page.html"] == names(tmp_path)
    assert b"old" == file.read_bytes()


def test_staged_files_appear_together_or_not_at_all(tmp_path: Path) -> None:
    """Until they are published nobody sees them; an error before that removes all of them."""
    with pytest.raises(ConnectionError, match="reset by peer"), Staging() as staging:  # noqa: PT012  # a block is what is tested
        staging.write(tmp_path / "one", b"1")
        hidden = [file.read_bytes() for file in staging.hidden_files]
        staging.write(tmp_path / "two", break_half_way)

    assert [b"1"] == hidden
    assert [] == names(tmp_path)

    with Staging() as staging:
        staging.write(tmp_path / "one", b"1")
        staging.write(tmp_path / "two", b"2")
        staging.publish()

    assert ["one", "two"] == names(tmp_path)


def test_what_was_staged_and_not_published_is_removed(tmp_path: Path) -> None:
    """A block that ends without `publish` leaves nothing."""
    with Staging() as staging:
        staging.write(tmp_path / "one", b"1")

    assert [] == names(tmp_path)


@pytest.mark.parametrize("refusal", [errno.EACCES, errno.EINVAL, errno.ENOTSUP])
def test_a_folder_that_cant_be_fsynced_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refusal: int
) -> None:
    """Some systems have no such call for folders; the file itself was fsynced."""
    fsync = os.fsync

    def only_files(handle: int) -> None:
        if os.path.isdir(f"/dev/fd/{handle}"):
            raise OSError(refusal, os.strerror(refusal))
        fsync(handle)

    monkeypatch.setattr(os, "fsync", only_files)

    assert b"1" == write_whole(tmp_path / "one", b"1").read_bytes()


def test_a_disk_that_fails_under_a_folder_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file whose name isn't durable must not be reported as written."""
    fsync = os.fsync

    def only_files(handle: int) -> None:
        if os.path.isdir(f"/dev/fd/{handle}"):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        fsync(handle)

    monkeypatch.setattr(os, "fsync", only_files)

    with pytest.raises(OSError, match="Input/output error"):
        write_whole(tmp_path / "one", b"1")


def test_the_first_content_stays(tmp_path: Path) -> None:
    """Whoever comes later gets what is there."""
    file = tmp_path / "key"

    assert (b"first", b"first") == (create_once(file, b"first"), create_once(file, b"second"))
    assert ["key"] == names(tmp_path)
    assert "0o600" == mode(file)


def test_a_line_is_appended_after_one_that_was_cut_off(tmp_path: Path) -> None:
    """The torn line stays a line of its own, and the folder is its owner's."""
    file = tmp_path / "home" / "anchors.txt"
    append_line(file, "1 whole")
    with file.open("a") as torn:
        torn.write("2 cut o")
    append_line(file, "3 whole")

    assert "1 whole\n2 cut o\n3 whole\n" == file.read_text()
    assert ("0o600", "0o700") == (mode(file), mode(file.parent))


def test_what_is_erased_is_written_over_first(tmp_path: Path) -> None:
    """Another name of the same blocks shows zeros; erasing what isn't there is nothing to do."""
    file = write_whole(tmp_path / "key", b"secret")
    other_name = tmp_path / "backup"
    os.link(file, other_name)
    erase(file)
    erase(file)

    assert ["backup"] == names(tmp_path)
    assert b"000000" == other_name.read_bytes()


def test_a_private_file_keeps_what_it_holds(tmp_path: Path) -> None:
    """Made where there is none; one that is there is left as it is."""
    file = tmp_path / "home" / "ledger.sqlite"
    make_private(file)
    file.write_bytes(b"rows")
    make_private(file)

    assert b"rows" == file.read_bytes()
    assert ("0o600", "0o700") == (mode(file), mode(file.parent))


def test_a_pipe_is_written_into_and_stays_a_pipe(tmp_path: Path) -> None:
    """A device or a pipe must not become a file: `--out /dev/null` would take it from everybody."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)

    write_whole(pipe, b"to whoever reads")

    assert b"to whoever reads" == os.read(reader, 100)
    assert pipe.is_fifo()
    os.close(reader)
