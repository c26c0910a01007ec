"""How URLs are read and sent."""

import pytest

from modc.fetch.spelling import follow, parse


@pytest.mark.parametrize(
    "target",
    [
        "/a%27b%2Cc%40d%21%28e%29%7Ef.jpg",
        "/q.jpg?f=x%2Fy%3Az&sig=ab%2Bcd%3D&b=&c&t=1+2",
        "/x/../y/./z//a;b|c{d}.jpg",
        "/%d6%d0/%zz/100%.jpg",
    ],
)
def test_a_target_goes_out_as_it_is_spelled(target):
    assert parse(f"http://shop.example{target}").raw_path_qs == target


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("http://shop.example/中 a.jpg?t=é", "http://shop.example/%E4%B8%AD%20a.jpg?t=%C3%A9"),
        ("http://shop.example/\udcd6\udcd0.jpg", "http://shop.example/%D6%D0.jpg"),
        ("http://中国.example/a", "http://xn--fiqs8s.example/a"),
        ("HTTP:\\\\shop.example\\a.jpg", "http://shop.example/a.jpg"),
        ("https:///shop.example/a", "https://shop.example/a"),
        (" http://shop.example/a\tb\n", "http://shop.example/ab"),
        ("shop.example/a.jpg", "http://shop.example/a.jpg"),
        ("shop.example:8080/a.jpg", "http://shop.example:8080/a.jpg"),
        ("//shop.example/a.jpg", "http://shop.example/a.jpg"),
        ("http://shop.example?a=1#top", "http://shop.example/?a=1"),
        ("http://[::1]:8080/a", "http://[::1]:8080/a"),
        ("http://me:p%40ss@shop.example/a", "http://me:p%40ss@shop.example/a"),
        ("http://img_1.shop.example./a", "http://img_1.shop.example./a"),
    ],
)
def test_a_url_is_read_as_browsers_read_it(text, url):
    assert str(parse(text)) == url


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "a/b.jpg",
        "ftp://h/a",
        "data:image/png;base64,aa",
        "C:\\a.jpg",
        "http://",
        "http://@/",
        "http://h:99999/",
        "http://h:8a/",
        "http://[zz]/",
        "http://[::1",
        "http://a b/",
        "http://a%2eb/",
        "http://h/\ud800",
        "http://2130706433/a",
        "http://127.1/a",
    ],
)
def test_what_is_no_url_is_an_error(text):
    with pytest.raises(ValueError, match="."):
        parse(text)


@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("https://cdn.example/a%2Cb", "https://cdn.example/a%2Cb"),
        ("//cdn.example/a", "http://cdn.example/a"),
        ("\\\\cdn.example\\a", "http://cdn.example/a"),
        ("//中国.example/a", "http://xn--fiqs8s.example/a"),
        ("/a%2Cb c", "http://shop.example/a%2Cb%20c"),
        ("/\udcd6\udcd0", "http://shop.example/%D6%D0"),
        ("e", "http://shop.example/d/e"),
        ("?q=\\", "http://shop.example/d/p?q=\\"),
        (" \r\n/a ", "http://shop.example/a"),
        ("http:/cdn.example/a", "http://cdn.example/a"),
        ("//e//f.jpg", "http://e//f.jpg"),
        ("e//f.jpg?", "http://shop.example/d/e//f.jpg"),
        ("../e/./f", "http://shop.example/e/f"),
    ],
)
def test_a_location_leads_where_it_leads_in_a_browser(location, url):
    assert str(parse(follow("http://shop.example/d/p?z", location))) == url


@pytest.mark.parametrize(
    "here", ["shop.example/d/p", "http:/shop.example/d/p", "HTTP:\\\\shop.example\\d/p"]
)
def test_a_relative_location_stays_on_its_host_however_that_was_spelled(here):
    assert follow(here, "/c.jpg") == "http://shop.example/c.jpg"
    assert follow(here, "c.jpg") == "http://shop.example/d/c.jpg"
