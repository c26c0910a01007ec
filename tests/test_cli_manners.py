"""The command line where the machine is unlike the one it was written on."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from modc import cli, config

REPOSITORY = Path(__file__).resolve().parents[1]
ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


def modc(*arguments, **options) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "modc.cli", *map(str, arguments)]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(REPOSITORY)}
    environment |= options.pop("env", {"HOME": os.environ.get("HOME", "/")})
    return subprocess.run(command, env=environment, capture_output=True, timeout=120, **options)


def test_a_locale_without_the_characters_ends_no_command(tmp_path):
    path = tmp_path / "own.yaml"
    path.write_text("# 数据在 NAS 上\nrun: smoke\n", encoding="utf-8")
    call = ("assumptions", "--config", REPOSITORY / "config.yaml", "--config", path)
    done = modc(*call, env=ASCII)
    assert done.returncode == 0, done.stderr
    assert done.stdout.isascii() and b"A10" in done.stdout
    shown = modc(*call, env={"LC_ALL": "C.UTF-8"}).stdout.decode()
    assert done.stdout.decode() == "".join(c if c.isascii() else "?" for c in shown)


def test_a_closed_pipe_ends_quietly():
    command = f"{sys.executable} -m modc.cli assumptions --config config.yaml | head -n 1"
    done = subprocess.run(command, shell=True, cwd=REPOSITORY, capture_output=True, text=True)
    assert done.stdout.count("\n") == 1 and "Traceback" not in done.stderr


def run(monkeypatch, capsys, error: BaseException) -> tuple[object, str]:
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(config, "load", fail)
    monkeypatch.setattr(sys, "argv", ["modc", "status", "--config", "config.yaml"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return ended.value.code, capsys.readouterr().err


def test_the_end_of_a_file_is_not_the_users_abort(monkeypatch, capsys):
    with pytest.raises(RuntimeError) as raised:
        run(monkeypatch, capsys, EOFError("Ran out of input"))
    assert isinstance(raised.value.__cause__, EOFError)


def test_control_c_ends_in_a_line_and_130(monkeypatch, capsys):
    code, said = run(monkeypatch, capsys, KeyboardInterrupt())
    assert code == 128 + signal.SIGINT and said.count("\n") == 1


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES])
def test_what_the_file_system_refuses_is_a_line_with_its_path(monkeypatch, capsys, number):
    code, _ = run(monkeypatch, capsys, OSError(number, os.strerror(number), "results/paper"))
    assert code.startswith(f"modc: error: results/paper: {os.strerror(number)}; ")
