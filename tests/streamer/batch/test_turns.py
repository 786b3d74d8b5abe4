"""Who may go on, of many threads."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from emotiond.streamer.batch.turns import Budget, Turns


def test_one_is_alone_and_goes_before_those_that_come_later() -> None:
    turns, order = Turns(), list[str]()
    inside, leave = threading.Event(), threading.Event()

    def first() -> None:
        with turns.shared():
            inside.set()
            leave.wait(20)
            order.append("first")

    def alone() -> None:
        inside.wait(20)
        with turns.alone():
            order.append("alone")

    def later() -> None:
        with turns.shared():
            order.append("later")

    with ThreadPoolExecutor() as pool:
        pool.submit(first)
        pool.submit(alone)
        while not turns._alone_waiting:
            inside.wait(0.01)
        pool.submit(later)
        leave.set()
    assert order == ["first", "alone", "later"]


def test_several_want_to_be_alone_one_after_the_other() -> None:
    turns, inside, most = Turns(), [0], [0]

    def alone() -> None:
        with turns.alone():
            inside[0] += 1
            most[0] = max(most[0], inside[0])
            inside[0] -= 1

    with ThreadPoolExecutor(8) as pool:
        for _ in range(100):
            pool.submit(alone)
    with turns.shared():
        assert most == [1]


def test_a_budget_is_kept_and_what_is_larger_goes_alone() -> None:
    budget, lock, held, most = Budget(10), threading.Lock(), [0], list[int]()

    def take(amount: int) -> None:
        with budget.taken(amount):
            with lock:
                held[0] += amount
                most.append(held[0])
            with lock:
                held[0] -= amount

    with ThreadPoolExecutor(8) as pool:
        for number in range(200):
            pool.submit(take, 1 + number % 7)
        pool.submit(take, 50)
    assert len(most) == 201
    assert max(most) == 50
    assert all(amount <= 10 for amount in most if amount < 50)
    assert held == [0]
