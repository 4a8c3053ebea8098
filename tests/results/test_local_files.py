"""A file of this machine appears whole or not at all."""

from __future__ import annotations

import io
import multiprocessing
import os
import signal
import stat

import pytest

from airflow_provider_kling.results.local_files import write_atomically


def names(folder) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


class Broken(io.BytesIO):
    def read(self, *_):
        raise OSError(28, "No space left on device")


def test_a_file_is_replaced(tmp_path):
    target = tmp_path / "a" / "b*[1]?#%.mp4"
    write_atomically(io.BytesIO(b"first, and longer"), target)
    write_atomically(io.BytesIO(b"second"), target)
    assert target.read_bytes() == b"second"
    assert names(target.parent) == [target.name]
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE(target.stat().st_mode) == 0o666 & ~umask


def test_a_failure_leaves_what_was_there(tmp_path):
    target = tmp_path / "a.mp4"
    write_atomically(io.BytesIO(b"first"), target)
    with pytest.raises(OSError, match="No space"):
        write_atomically(Broken(), target)
    assert target.read_bytes() == b"first"
    assert names(tmp_path) == ["a.mp4"]


def test_a_folder_is_not_replaced(tmp_path):
    (tmp_path / "videos").mkdir()
    with pytest.raises(OSError, match="directory"):
        write_atomically(io.BytesIO(b"x"), tmp_path / "videos")
    assert names(tmp_path) == ["videos"]


def _die_while_writing(target) -> None:
    class Dying(io.BytesIO):
        def read(self, *_):
            if self.tell() == 0:
                return super().read(4)
            os.kill(os.getpid(), signal.SIGKILL)

    write_atomically(Dying(b"half of it"), target)


def test_what_a_killed_worker_left_is_taken_over(tmp_path):
    target = tmp_path / "a.mp4"
    for _ in range(3):
        process = multiprocessing.get_context("spawn").Process(target=_die_while_writing, args=(target,))
        process.start()
        process.join()
    assert len(names(tmp_path)) == 1, "one part, not one more for each try"
    assert not target.exists()
    write_atomically(io.BytesIO(b"whole"), target)
    assert names(tmp_path) == ["a.mp4"]
    assert target.read_bytes() == b"whole"


def test_two_writers_of_one_file_do_not_mix(tmp_path):
    target = tmp_path / "a.mp4"

    class Nested(io.BytesIO):
        def read(self, *arguments):
            if self.tell() == 0:
                write_atomically(io.BytesIO(b"the other's"), target)
                assert target.read_bytes() == b"the other's"
            return super().read(*arguments)

    write_atomically(Nested(b"mine"), target)
    assert target.read_bytes() == b"mine"
    assert names(tmp_path) == ["a.mp4"]


def test_a_name_of_full_length_has_room_for_its_part(tmp_path):
    write_atomically(io.BytesIO(b"x"), tmp_path / ("a" * 255))
    assert names(tmp_path) == ["a" * 255]
