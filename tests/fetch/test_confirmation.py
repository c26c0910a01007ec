"""Failures for good count between two images, and unless one server answers for several hosts."""

from modc.fetch.confirmation import FEWEST_HOSTS, MOST_TIMES, Confirmation
from modc.fetch.hosts import Wanted
from modc.fetch.outcome import Outcome


def states(outcomes) -> dict[str, str]:
    return {outcome.name: outcome.state for outcome in outcomes}


def item(name: str, host: str = "x.example") -> Wanted:
    return Wanted(name, f"http://{host}/{name}", host)


def up(*known: str) -> Confirmation:
    """A run whose network has been seen to be up."""
    run = Confirmation(known)
    run.image(item("first", "first.example"), "")
    return run


def test_a_failure_counts_between_two_images():
    run = up()
    run.failed(Outcome("a", "gone"), item("a"), (), now=1.0)
    run.failed(Outcome("b", "gone"), item("b"), (), now=2.0)
    assert run.confirmed(asked_at=0.5) == ([], []) and run.waiting_since() == 1.0
    outcomes, again = run.confirmed(asked_at=1.5)
    assert states(outcomes) == {"a": "gone"} and again == [] and run.waiting_since() == 2.0
    assert states(run.end()) == {"b": "unconfirmed"}


def test_before_the_first_image_it_is_asked_for_again():
    run, wanted = Confirmation(), item("a")
    for _ in range(MOST_TIMES):
        run.failed(Outcome("a", "gone"), wanted, (), now=1.0)
        assert run.confirmed(asked_at=2.0) == ([], [wanted])
    run.failed(Outcome("a", "gone"), wanted, (), now=1.0)
    outcomes, again = run.confirmed(asked_at=2.0)
    assert states(outcomes) == {"a": "unconfirmed"} and again == [] and run.end() == []


def test_what_failed_while_no_image_came_is_asked_for_again():
    run, wanted = up(), item("a")
    run.failed(Outcome("a", "not_an_image"), wanted, ("portal.example",), now=1.0)
    run.doubt()
    run.image(item("b", "b.example"), "")
    assert run.confirmed(asked_at=2.0) == ([], [wanted])
    assert run.end() == []


def test_without_failures_nothing_waits():
    run = Confirmation()
    assert run.waiting_since() is None and run.end() == []
    assert run.confirmed(asked_at=1.0) == ([], [])


def portal(run: Confirmation, sender: str = "portal.example") -> None:
    for number in range(FEWEST_HOSTS):
        host = f"{number}.example"
        page = Outcome(f"page{number}", "not_an_image")
        run.failed(page, item(page.name, host), (sender,), now=1.0)


def test_one_senders_answers_for_several_hosts_are_a_portals():
    run = up()
    portal(run)
    for number in range(FEWEST_HOSTS):
        host = f"{number}.example"
        run.failed(Outcome(f"gone{number}", "gone"), item("gone", host), ("1.1.1.1",), now=1.0)
        own = Outcome(f"own{number}", "refused")
        run.failed(own, item(own.name, host), (f"9.9.9.{number}",), now=1.0)
    # Nothing of a portal's is taken before the end, which a kill may forestall.
    outcomes, again = run.confirmed(asked_at=2.0)
    assert set(states(outcomes).values()) == {"gone"} and again == []
    found = run.end()
    assert states(found) == {f"page{n}": "blocked" for n in range(FEWEST_HOSTS)} | {
        f"own{n}": "refused" for n in range(FEWEST_HOSTS)
    }
    assert "portal.example answered for 3 hosts" in {outcome.detail for outcome in found}


def test_pages_of_a_host_that_gave_an_image_are_its_own():
    run = up("0.example")
    portal(run)
    outcomes, _ = run.confirmed(asked_at=2.0)
    assert states(outcomes) == {"page0": "not_an_image"}
    assert set(states(run.end()).values()) == {"not_an_image"}
    run = up()
    portal(run)
    run.image(item("other", "other.example"), "portal.example")
    run.confirmed(asked_at=2.0)
    assert set(states(run.end()).values()) == {"not_an_image"}
