"""Work in a thread, one piece ahead."""

import threading

import pytest

from modc.ahead import ahead


@pytest.mark.parametrize("count", [0, 1, 2, 5])
def test_results_come_in_order(count):
    assert list(ahead(lambda piece: piece**2, range(count))) == [n**2 for n in range(count)]


def test_the_next_piece_is_worked_on_while_the_last_one_is_used():
    begun = [threading.Event() for _ in range(3)]
    for number in ahead(lambda piece: begun[piece].set() or piece, range(3)):
        assert begun[min(number + 1, 2)].wait(timeout=10)


def test_an_error_arrives_where_its_result_would():
    found = ahead(lambda piece: 1 // piece, [1, 0])
    assert next(found) == 1
    with pytest.raises(ZeroDivisionError):
        next(found)
