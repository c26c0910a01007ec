"""Which URL is next: hosts take turns, and each is asked within its limit and its pauses."""

from modc.fetch import hosts as module
from modc.fetch.hosts import Hosts, backoff, wanted


def listed(*counts: int) -> list:
    return [
        wanted(f"{host}/{number}", f"http://host{host}.example/{number}")
        for host, count in enumerate(counts)
        for number in range(count)
    ]


def test_a_host_is_its_name_whatever_the_port():
    assert wanted("a", "http://User:x@Host.example:8080/b").host == "host.example"
    assert wanted("a", "https://host.example/b").host == "host.example"


def test_hosts_take_turns_and_keep_their_limit():
    hosts = Hosts(listed(5, 5, 1), per_host=2, patience=10)
    taken = []
    while (item := hosts.next(0.0)) is not None:
        taken.append(item.name)
    assert taken == ["0/0", "1/0", "2/0", "0/1", "1/1"]
    assert hosts and hosts.wakes_at(0.0) is None
    hosts.answered(wanted("1/0", "http://host1.example/0"))
    assert hosts.next(0.0).name == "1/2"
    assert hosts.next(0.0) is None


def test_every_url_is_asked_for_once_and_then_nothing_is_left():
    hosts = Hosts(listed(7, 3, 4), per_host=1, patience=10)
    taken = []
    while hosts:
        item = hosts.next(0.0)
        taken.append(item.name)
        hosts.answered(item)
    assert sorted(taken) == sorted(item.name for item in listed(7, 3, 4))


def test_a_pause_holds_one_host_and_not_the_others():
    hosts = Hosts(listed(1, 1), per_host=2, patience=10)
    hosts.pause("host0.example", until=5.0)
    assert hosts.next(1.0).name == "1/0"
    assert hosts.next(1.0) is None and hosts.wakes_at(1.0) == 5.0
    assert hosts.next(5.0).name == "0/0"


def test_what_is_put_off_comes_back_at_its_time():
    hosts = Hosts(listed(1), per_host=1, patience=10)
    item = hosts.next(0.0)
    hosts.answered(item)
    hosts.later(item, when=3.0)
    assert hosts and hosts.next(2.9) is None and hosts.wakes_at(0.0) == 3.0
    assert hosts.next(3.0) is item
    assert not hosts


def test_a_silent_host_is_paused_longer_and_longer_and_then_given_up():
    hosts = Hosts(listed(200, 1), per_host=1, patience=60)
    now, pauses, asked = 0.0, [], 0
    while True:
        item = hosts.next(now)
        if item is None:
            pauses.append(hosts.wakes_at(now) - now)
            now = hosts.wakes_at(now)
            continue
        if item.host == "host1.example":
            hosts.answered(item)
            continue
        asked += 1
        given_up = hosts.silent(item, now)
        if given_up:
            break
    assert pauses == [5.0, 5.0, 10.0, 20.0, 40.0]
    assert asked == module.SILENT + len(pauses)
    assert len(given_up) == 200 - asked and not hosts


def test_an_answer_makes_a_host_as_good_as_new():
    hosts = Hosts(listed(100), per_host=4, patience=60)
    for _ in range(module.SILENT):
        hosts.silent(hosts.next(0.0), 0.0)
    assert hosts.next(0.0) is None
    trial = hosts.next(5.0)
    assert hosts.next(5.0) is None, "after a pause one request tries"
    hosts.answered(trial)
    assert [hosts.next(5.0) is not None for _ in range(5)] == [True] * 4 + [False]


def test_silence_from_before_a_pause_does_not_prolong_it():
    hosts = Hosts(listed(100), per_host=50, patience=60)
    under_way = [hosts.next(0.0) for _ in range(40)]
    for item in under_way:
        assert hosts.silent(item, 1.0) == []
    assert hosts.wakes_at(1.0) == 6.0


def test_giving_up_takes_what_was_put_off_too():
    hosts = Hosts(listed(3, 1), per_host=1, patience=0)
    item = hosts.next(0.0)
    hosts.answered(item)
    hosts.later(item, 100.0)
    assert {i.name for i in hosts.give_up("host0.example")} == {"0/0", "0/1", "0/2"}
    assert hosts.next(0.0).name == "1/0" and not hosts


def test_waits_double():
    for attempt in (1, 2, 3):
        assert 2 * 2 ** (attempt - 1) <= backoff(attempt, 2.0) <= 3 * 2 ** (attempt - 1)
