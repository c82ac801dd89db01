from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.export.expect import raises
from tritforge.files import replacing, sha256, write_atomic


def test_writes_bytes_and_text_as_they_are(tmp_path: Path) -> None:
    write_atomic(tmp_path / "a", b"\x00\xff\r\n")
    write_atomic(tmp_path / "b", "µ\r\n")
    assert (tmp_path / "a").read_bytes() == b"\x00\xff\r\n"
    assert (tmp_path / "b").read_bytes() == b"\xc2\xb5\r\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


def test_replaces_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "a"
    write_atomic(path, "old")
    write_atomic(path, "new")
    assert path.read_text() == "new"


def test_result_has_the_mode_of_any_new_file(tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("")
    write_atomic(tmp_path / "atomic", "")
    assert (tmp_path / "atomic").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_failing_block_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    with raises(RuntimeError, "stop"), replacing(path) as temporary:
        temporary.write_text("half")
        assert temporary.suffix == ".txt"
        assert path.read_text() == "old"
        raise RuntimeError("stop")
    assert [item.name for item in tmp_path.iterdir()] == ["a.txt"]
    assert path.read_text() == "old"


def test_killed_process_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("old")
    script = (
        "import os, signal, sys\n"
        "from tritforge.files import replacing\n"
        "with replacing(sys.argv[1]) as temporary:\n"
        "    temporary.write_text('half')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", script, path], cwd=Path(__file__).parents[2], check=False
    )
    assert result.returncode == -signal.SIGKILL
    assert path.read_text() == "old"


def test_missing_folder_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_atomic(tmp_path / "no" / "a", "")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_folder_without_permission_is_an_os_error(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(PermissionError):
        write_atomic(tmp_path / "a", "")


@pytest.mark.parametrize("size", [0, 1, (1 << 20) - 1, 1 << 20, (1 << 20) + 1])
def test_sha256_of_files_around_the_chunk_size(tmp_path: Path, size: int) -> None:
    content = bytes(range(256)) * (size // 256 + 1)
    (tmp_path / "a").write_bytes(content[:size])
    assert sha256(tmp_path / "a") == hashlib.sha256(content[:size]).hexdigest()
