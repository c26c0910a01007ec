"""Proxies of the environment."""

import pytest
from yarl import URL

from modc.errors import UserError
from modc.fetch.proxies import chosen, of_environment


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    for name in ("http", "https", "all", "no"):
        monkeypatch.delenv(f"{name}_proxy", raising=False)
        monkeypatch.delenv(f"{name}_proxy".upper(), raising=False)
    return lambda **variables: [monkeypatch.setenv(*pair) for pair in variables.items()]


@pytest.mark.parametrize(
    ("variables", "urls"),
    [
        ({}, {}),
        ({"http_proxy": ""}, {}),
        ({"http_proxy": "127.0.0.1:7890"}, {"http": "http://127.0.0.1:7890"}),
        ({"HTTP_PROXY": "proxy:3128"}, {"http": "http://proxy:3128"}),
        ({"https_proxy": "https://proxy:443"}, {"https": "https://proxy"}),
        ({"all_proxy": "http://p:1"}, {"http": "http://p:1", "https": "http://p:1"}),
        (
            {"http_proxy": "p:1", "https_proxy": "p:2", "ALL_PROXY": "socks5://p:3"},
            {"http": "http://p:1", "https": "http://p:2"},
        ),
    ],
)
def test_proxies_are_read_as_curl_reads_them(environment, variables, urls):
    environment(**variables)
    assert {scheme: str(proxy.url) for scheme, proxy in of_environment().items()} == urls


@pytest.mark.parametrize("name", ["http_proxy", "HTTPS_PROXY", "ALL_PROXY"])
@pytest.mark.parametrize(
    "value", ["socks5://p:1", "socks5h://p:1", "http://", "p:x", "http://p:99999"]
)
def test_a_proxy_that_cannot_be_used_is_named_by_its_variable(environment, name, value):
    environment(**{name: value})
    with pytest.raises(UserError) as raised:
        of_environment()
    assert str(raised.value).startswith(name)


def test_no_proxy_leaves_hosts_out(environment):
    environment(http_proxy="p:1", no_proxy="local.example,.shop.example")
    proxies = of_environment()
    assert chosen(proxies, URL("http://img.shop.example/a")) is None
    assert chosen(proxies, URL("http://local.example/a")) is None
    assert chosen(proxies, URL("https://other.example/a")) is None
    assert chosen(proxies, URL("http://other.example/a")) == proxies["http"]


def test_a_password_is_not_shown(environment):
    environment(http_proxy="http://me:secret@p:1")
    assert str(of_environment()["http"]) == "http_proxy=http://p:1"
