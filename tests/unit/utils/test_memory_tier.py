"""The memory tier: bounded bytes, cheap entries first, absolute expiry."""

from __future__ import annotations

import random
import threading

from utils.memory_tier import ENTRY_OVERHEAD_BYTES, MemoryTier, Slot


def slot(key: str, size: int = 1000, cost: float = 1.0, expires: float = 1e9, **more: str) -> Slot:
    return Slot(
        key=key, value=f"value of {key}", size_bytes=size, cost_seconds=cost, expires_at=expires,
        name=more.get("name", "f"), label=more.get("label", ""),
    )  # fmt: skip


def tier(kilobytes: int = 10) -> MemoryTier:
    return MemoryTier(kilobytes * (1000 + ENTRY_OVERHEAD_BYTES), max_entry_bytes=10**9)


def test_a_value_is_the_same_object_until_it_expires() -> None:
    memory = tier()
    kept = slot("a", expires=100.0)
    memory.put(kept)
    assert memory.get("a", 99.9) is kept
    assert memory.get("a", 99.9) is kept
    assert memory.get("a", 100.0) is None
    assert memory.get("a", 1.0) is None
    assert memory.evictions == {"expired": 1}
    assert memory.check() == []


def test_the_bound_in_bytes_holds() -> None:
    memory = tier(10)
    for i in range(100):
        memory.put(slot(f"{i}"))
        assert memory.size_bytes <= memory.max_bytes
    assert len(memory) == 10
    assert memory.evictions == {"full": 90}
    assert memory.check() == []


def test_an_entry_that_is_too_large_is_refused_and_pushes_nothing_out() -> None:
    memory = MemoryTier(10_000)
    assert memory.put(slot("small", size=100))
    assert not memory.put(slot("large", size=2500))
    assert not memory.put(slot("huge", size=10**9))
    assert memory.get("small", 0.0) is not None
    assert memory.get("large", 0.0) is None
    # Of a key that grew, the old value must not be served either.
    assert not memory.put(slot("small", size=10**9))
    assert memory.get("small", 0.0) is None
    assert memory.check() == []


def test_what_is_dear_to_compute_stays() -> None:
    memory = tier(10)
    memory.put(slot("dear", cost=100.0))
    for i in range(50):
        memory.put(slot(f"{i}", cost=0.001))
    assert memory.get("dear", 0.0) is not None


def test_what_is_often_used_stays() -> None:
    memory = tier(10)
    memory.put(slot("popular"))
    for i in range(50):
        memory.put(slot(f"{i}"))
        assert memory.get("popular", 0.0) is not None


def test_small_before_large_at_equal_cost() -> None:
    memory = tier(10)
    memory.put(slot("large", size=5000))
    memory.put(slot("small", size=100))
    for i in range(4):
        memory.put(slot(f"{i}"))
    memory.put(slot("new", size=4000))
    assert memory.get("large", 0.0) is None
    assert memory.get("small", 0.0) is not None


def test_old_favourites_age() -> None:
    memory = tier(10)
    memory.put(slot("once popular", cost=1.0))
    for _ in range(20):
        memory.get("once popular", 0.0)
    for i in range(5000):
        memory.put(slot(f"{i}", cost=1.0))
    assert memory.get("once popular", 0.0) is None


def test_shrink_frees_what_was_asked_for_and_the_cheapest_first() -> None:
    memory = tier(10)
    for i in range(10):
        memory.put(slot(f"{i}", cost=float(i + 1)))
    one = 1000 + ENTRY_OVERHEAD_BYTES
    assert memory.shrink(2 * one + 1) == 3 * one
    assert sorted(s.key for s in memory.slots()) == [str(i) for i in range(3, 10)]
    assert memory.shrink(0) == 0
    assert memory.shrink(10**9) == 7 * one
    assert len(memory) == 0
    assert memory.evictions == {"pressure": 10}
    assert memory.check() == []


def test_clearing_by_name_and_label() -> None:
    memory = tier(10)
    memory.put(slot("1", name="f", label="x"))
    memory.put(slot("2", name="g", label="x"))
    memory.put(slot("3", name="g", label="y"))
    assert memory.remove(lambda s: s.label == "x") == 2
    assert memory.delete("3")
    assert not memory.delete("3")
    assert memory.evictions == {"cleared": 3}


def test_dropped_values_are_not_held_by_the_queue() -> None:
    import gc
    import weakref

    class Thing:
        pass

    memory = tier(10)
    thing = Thing()
    watch = weakref.ref(thing)
    kept = slot("a")
    kept.value = thing
    memory.put(kept)
    del thing, kept
    memory.delete("a")
    gc.collect()
    assert watch() is None


def test_the_queue_stays_short_under_many_hits_and_replacements() -> None:
    memory = tier(10)
    rng = random.Random(1)
    for _ in range(20_000):
        key = str(rng.randrange(30))
        if memory.get(key, 0.0) is None or rng.random() < 0.2:
            memory.put(slot(key, size=rng.randrange(1, 3000), cost=rng.random()))
    assert len(memory._heap) <= 64 + 2 * 30
    assert memory.check() == []


def test_threads_keep_the_counts_right() -> None:
    memory = tier(20)

    def work(seed: int) -> None:
        rng = random.Random(seed)
        for _ in range(2000):
            key = str(rng.randrange(60))
            what = rng.random()
            if what < 0.5:
                memory.get(key, 0.0)
            elif what < 0.9:
                memory.put(slot(key, size=rng.randrange(1, 3000)))
            elif what < 0.95:
                memory.delete(key)
            else:
                memory.shrink(3000)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert memory.check() == []


def test_the_check_finds_a_wrong_count() -> None:
    memory = tier()
    memory.put(slot("a"))
    memory._bytes += 1
    assert memory.check()
    memory._bytes -= 1
    memory._heap.clear()
    assert memory.check()
