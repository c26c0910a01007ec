"""Failures for good count once an image shows that the network was up."""

from modc.fetch.confirmation import FEWEST_HOSTS, Confirmation
from modc.fetch.outcome import Outcome


def states(outcomes) -> dict[str, str]:
    return {outcome.name: outcome.state for outcome in outcomes}


def test_an_image_confirms_what_was_answered_before_it_was_asked_for():
    run = Confirmation()
    run.failed(Outcome("a", "gone"), "x.example", "", now=1.0)
    run.failed(Outcome("b", "refused"), "x.example", "", now=2.0)
    assert run.confirmed(asked_at=0.5) == [] and run.waiting_since() == 1.0
    assert states(run.confirmed(asked_at=1.5)) == {"a": "gone"} and run.waiting_since() == 2.0
    assert states(run.end()) == {"b": "unconfirmed"}


def test_without_failures_nothing_waits():
    run = Confirmation()
    assert run.waiting_since() is None and run.confirmed(asked_at=1.0) == [] and run.end() == []


def test_one_servers_pages_for_several_hosts_are_a_portals():
    run = Confirmation()
    for number in range(FEWEST_HOSTS):
        page = Outcome(f"page{number}", "not_an_image")
        run.failed(page, f"{number}.example", "portal.example", now=1.0)
        run.failed(Outcome(f"gone{number}", "gone"), f"{number}.example", "1.1.1.1", now=1.0)
        lone = Outcome(f"own{number}", "not_an_image")
        run.failed(lone, f"{number}.example", f"9.9.9.{number}", now=1.0)
    run.image("other.example", "2.2.2.2")
    assert len(run.confirmed(asked_at=2.0)) == 3 * FEWEST_HOSTS
    found = run.end()
    assert states(found) == {f"page{number}": "blocked" for number in range(FEWEST_HOSTS)}
    assert {outcome.detail for outcome in found} == {"portal.example answered for 3 hosts"}


def test_pages_of_a_host_that_gave_an_image_are_its_own():
    for host, server in (("0.example", "1.1.1.1"), ("other.example", "portal.example")):
        run = Confirmation()
        for number in range(FEWEST_HOSTS):
            page = Outcome(f"page{number}", "not_an_image")
            run.failed(page, f"{number}.example", "portal.example", now=1.0)
        run.image(host, server)
        assert len(run.confirmed(asked_at=2.0)) == FEWEST_HOSTS and run.end() == []
