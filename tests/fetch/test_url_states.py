"""Tables of what became of the URLs."""

import pandas as pd

from modc.fetch.url_states import status


def table(rows: list[tuple]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["url", "state", "http_status"])


def test_counts_by_state_host_and_http_status():
    text = status(
        table(
            [
                ("http://a.example/1", "ok", 200),
                ("http://a.example/2", "gone", 404),
                ("https://b.example/3", "gone", 410),
                ("http://b.example/4", "dns", None),
                ("ftp://c.example", "bad_address", None),
                ("", "bad_name", None),
            ]
        )
    )
    lines = [line.split() for line in text.splitlines()]
    assert ["gone", "2", "HTTP", "404", "or", "410"] in lines
    assert ["host", "lines", "ok", "gone", "dns", "bad_address", "bad_name"] in lines
    assert ["a.example", "2", "1", "1", "0", "0", "0"] in lines
    assert ["b.example", "2", "0", "1", "1", "0", "0"] in lines
    assert ["-", "2", "0", "0", "0", "1", "1"] in lines
    assert ["404", "1", "0", "1", "0", "0", "0"] in lines
    assert ["none", "3", "0", "0", "1", "1", "1"] in lines


def test_rare_hosts_are_one_row():
    rows = [(f"http://h{n}.example/", "ok", 200) for n in range(25)]
    rows += [("http://often.example/", "gone", 404)] * 3
    lines = [line.split() for line in status(table(rows)).splitlines()]
    assert ["often.example", "3", "0", "3"] in lines
    assert ["6", "others", "6", "6", "0"] in lines
