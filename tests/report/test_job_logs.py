"""The mistake that a job's log ends with."""

import pytest

from modc.report.job_logs import error_of, last_line


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("07:09 line\nmodc: error: the loss is nan in epoch 3\n", "the loss is nan in epoch 3"),
        ('Traceback:\n  File "x"\nValueError: no such thing\n\n', "no such thing"),
        ("torch.OutOfMemoryError: CUDA out of memory.", "CUDA out of memory."),
        (
            'Traceback (most recent call last):\n  File "x"\n'
            "torch.AcceleratorError: CUDA error: device-side assert triggered\n"
            "Compile with `TORCH_USE_CUDA_DSA` to enable device-side assertions.\n\n",
            "CUDA error: device-side assert triggered",
        ),
        ('Traceback (most recent call last):\n  File "x"\nMemoryError\n', "MemoryError"),
        ("Traceback (most recent call last):\n  a\nOSError: b\n07:09:12 epoch 1/3 done\n", ""),
        ("modc: error: before\n07:09:12 epoch 1/3 done\n", ""),
        ("07:09:12 a: ValueError: inside a line\n", ""),
        ("", ""),
    ],
)
def test_only_the_last_line_counts(tmp_path, text, error):
    log = tmp_path / "job.log"
    log.write_text(text)
    assert error_of(log) == error


def test_a_bar_that_redraws_its_line_leaves_what_stands_last(tmp_path):
    (tmp_path / "job.log").write_text("packing 1 %\rpacking 2 %\n")
    assert last_line(tmp_path / "job.log") == "packing 2 %"


def test_a_long_log_is_read_from_its_end(tmp_path):
    (tmp_path / "job.log").write_text("x\n" * 100_000 + "modc: error: at last\n")
    assert error_of(tmp_path / "job.log") == "at last"


def test_what_cannot_be_read_says_nothing(tmp_path):
    assert error_of(tmp_path / "absent.log") == ""
    assert error_of(tmp_path) == ""
    (tmp_path / "job.log").write_bytes(b"\xff\xfe\n\x80 modc: error: no text\n")
    assert error_of(tmp_path / "job.log") == ""
