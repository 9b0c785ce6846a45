"""The memory monitor on an injected sampler and clock, and the sampler on real processes."""

from __future__ import annotations

import dataclasses
import mmap
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tests.executors import JOBS, make_executor, soon
from utils.errors import NeverFits, Overloaded, WorkerLost
from utils.memory import Level, MemoryActions, MemoryMonitor, effective_budget
from utils.process_memory import give_back, group_limit_bytes, tree_bytes

MIB = 1 << 20
BUDGET = 100 * MIB


class World:
    """A server whose memory, clock and belongings the test sets."""

    def __init__(self) -> None:
        self.used = 0
        self.now = 1000.0
        self.cache = 0
        self.datasets = 0
        self.jobs = 0
        self.garbage = 0
        self.calls: list[tuple[str, object]] = []
        actions = MemoryActions(
            shrink=self.shrink, hold_heavy=self.hold, spill=self.spill,
            kill_heavy=self.kill, give_back=self.give_back,
        )  # fmt: skip
        self.monitor = MemoryMonitor(
            budget_bytes=BUDGET, actions=actions, sampler=self.sample, clock=lambda: self.now
        )

    def sample(self) -> int:
        return self.used + self.cache + self.datasets + self.jobs + self.garbage

    def shrink(self, size_bytes: int) -> int:
        freed = min(size_bytes, self.cache)
        self.cache -= freed
        self.garbage += freed
        self.calls.append(("shrink", size_bytes))
        return freed

    def hold(self, held: bool) -> None:
        self.calls.append(("hold", held))

    def spill(self, idle_seconds: float) -> int:
        freed, self.datasets = self.datasets, 0
        self.calls.append((f"spill after {idle_seconds:g} s", freed))
        return freed

    def kill(self) -> int:
        killed, self.jobs = int(self.jobs > 0), 0
        self.calls.append(("kill", killed))
        return killed

    def give_back(self) -> None:
        self.garbage = 0
        self.calls.append(("give_back", None))

    def collect_for(self, seconds: float) -> None:
        self.now += seconds
        self.give_back()

    def at(self, percent: float) -> Level:
        self.used = int(percent / 100 * BUDGET)
        self.now += 1
        self.calls.clear()
        return self.monitor.check()


@pytest.fixture
def world():
    made = World()
    assert made.monitor.budget_bytes == BUDGET, "the machine of this test has less than 111 MB"
    return made


def test_nothing_is_done_while_there_is_room(world):
    for percent in (0, 30, 69.9):
        assert world.at(percent) == Level.CALM
        assert world.calls == []


def test_seventy_percent_shrinks_collects_and_gives_back(world):
    world.cache = 20 * MIB
    assert world.at(55) == Level.SHRINK
    assert world.calls == [
        ("shrink", 15 * MIB), ("spill after 6 s", 0), ("give_back", None),
    ]  # fmt: skip
    assert world.cache == 5 * MIB
    seen = world.monitor.snapshot()
    assert seen.used_bytes == 60 * MIB
    assert seen.peak_bytes == 75 * MIB
    assert [(event.action, event.amount) for event in seen.events] == [
        ("shrink cache", 15 * MIB), ("give back", 15 * MIB),
    ]  # fmt: skip
    assert world.at(55) == Level.CALM


def test_eighty_five_percent_refuses_heavy_work_and_spills(world):
    world.datasets = 5 * MIB
    assert world.at(81) == Level.REFUSE
    assert ("hold", True) in world.calls
    assert ("spill after 1.5 s", 5 * MIB) in world.calls
    assert not any(call == "kill" for call, _ in world.calls)
    world.at(81)
    assert ("hold", True) not in world.calls  # said once
    assert world.at(60) == Level.CALM
    assert world.calls == [("hold", False)]


def test_ninety_five_percent_kills_the_heavy_work(world):
    world.jobs = 40 * MIB
    assert world.at(56) == Level.KILL
    assert ("kill", 1) in world.calls
    assert world.at(56) == Level.CALM
    assert ("hold", False) in world.calls
    assert world.monitor.snapshot().actions["kill heavy work"] == 1


@pytest.mark.parametrize(
    ("threshold", "level"), [(70, Level.SHRINK), (85, Level.REFUSE), (95, Level.KILL)]
)
def test_levels_begin_at_their_threshold_and_end_five_points_below(world, threshold, level):
    assert world.at(threshold - 0.1) < level
    assert world.at(threshold) == level
    assert world.at(threshold - 4.9) == level
    assert world.at(threshold - 5.1) < level
    assert world.at(threshold - 0.1) < level


def test_use_around_a_threshold_does_not_flap(world):
    world.at(86)
    holds = []
    for percent in [84, 86, 83, 87, 81] * 5:
        world.at(percent)
        holds += [call for call in world.calls if call[0] == "hold"]
    assert holds == []


def test_collecting_has_its_own_pace(world):
    given = 0
    for _ in range(20):  # one check a second
        world.at(75)
        given += ("give_back", None) in world.calls
    assert given == 4


def test_ended_sessions_are_collected_soon_but_not_at_once(world):
    world.at(10)
    world.monitor.collect_soon()
    world.garbage = 8 * MIB
    world.at(10)
    assert world.calls == []
    world.at(10)
    assert world.calls == [("give_back", None)]
    assert world.garbage == 0
    for _ in range(5):
        world.at(10)
        assert world.calls == []


def test_collections_take_a_hundredth_of_the_time_unless_memory_is_short(world):
    took = 0.2
    world.monitor._actions = dataclasses.replace(
        world.monitor._actions, give_back=lambda: world.collect_for(took)
    )
    begun = []
    for _ in range(60):  # a page is closed every second
        world.monitor.collect_soon()
        world.at(10)
        begun += [world.now for call, _ in world.calls if call == "give_back"]
    assert len(begun) == 3
    assert np.diff(begun) == pytest.approx([20, 20], abs=1.5)
    pressed = 0
    for _ in range(12):
        world.at(75)
        pressed += ("give_back", None) in world.calls
    assert pressed >= 2


def test_a_run_is_admitted_only_if_its_peak_fits(world):
    world.at(60)
    world.monitor.admit(34 * MIB)
    with pytest.raises(Overloaded, match=r"about 35 MB of memory, which is not free"):
        world.monitor.admit(35 * MIB)
    with pytest.raises(NeverFits, match="more than this server has"):
        world.monitor.admit(101 * MIB)
    world.used = 10 * MIB
    with pytest.raises(Overloaded):
        world.monitor.admit(41 * MIB)  # the last look is fresh enough
    world.now += 2
    world.monitor.admit(41 * MIB)
    world.at(90)
    with pytest.raises(Overloaded):
        world.monitor.admit(1)
    assert world.monitor.snapshot().actions["refused"] == 4


def test_admitted_heavy_work_does_not_reach_the_level_at_which_it_would_be_killed(world):
    world.at(60)
    with pytest.raises(Overloaded):
        world.monitor.admit(35 * MIB)
    world.monitor.admit(34 * MIB)
    world.jobs = 34 * MIB
    world.at(60)
    assert world.monitor.snapshot().level < Level.KILL


def test_six_per_cent_are_left_for_short_runs(world):
    world.at(60)
    world.monitor.admit(40 * MIB, heavy=False)
    with pytest.raises(Overloaded):
        world.monitor.admit(41 * MIB, heavy=False)
    with pytest.raises(Overloaded):
        world.monitor.admit(40 * MIB)


def test_a_look_that_fails_changes_nothing(world):
    world.at(80)

    def fail() -> int:
        raise OSError

    world.monitor._sampler = fail
    assert world.at(10) == Level.SHRINK
    assert world.monitor.snapshot().actions["not measured"] == 1


def test_short_memory_reaches_the_heavy_lane(world):
    with make_executor() as executor:
        actions = MemoryActions(
            shrink=world.shrink, spill=world.spill,
            hold_heavy=executor.hold_heavy, kill_heavy=executor.kill_heavy,
        )  # fmt: skip
        monitor = MemoryMonitor(
            budget_bytes=BUDGET, actions=actions, sampler=world.sample, clock=lambda: world.now
        )
        job = executor.heavy(JOBS + "spin", {})
        assert soon(lambda: executor.snapshot().heavy.running == 1)
        world.used = 86 * MIB
        monitor.check()
        refused = executor.heavy(JOBS + "nothing", {})
        assert isinstance(refused.exception(5), Overloaded)
        assert not job.done()
        world.used = 96 * MIB
        monitor.check()
        assert isinstance(job.exception(5), WorkerLost)
        world.used = 10 * MIB
        monitor.check()
        assert executor.heavy(JOBS + "add", {"a": 1, "b": 1}).result(20) == 2
        names = [event.action for event in monitor.snapshot().events]
        assert [n for n in names if "heavy" in n] == [
            "hold heavy work", "kill heavy work", "take heavy work",
        ]  # fmt: skip


def test_the_monitor_checks_by_itself(world):
    world.used = 96 * MIB
    monitor = MemoryMonitor(
        budget_bytes=BUDGET, actions=world.monitor._actions, sampler=world.sample,
        interval_seconds=0.02,
    )  # fmt: skip
    monitor.start()
    monitor.start()
    give_up = time.monotonic() + 5
    while monitor.snapshot().level != Level.KILL and time.monotonic() < give_up:
        time.sleep(0.01)
    monitor.close()
    assert monitor.snapshot().level == Level.KILL


# ---------------------------------------------------------------- limits of control groups


@pytest.mark.parametrize(
    ("membership", "files", "limit"),
    [
        ("0::/app/web\n", {"app/web/memory.max": "1000", "app/memory.max": "900"}, 900),
        ("0::/app\n", {"app/memory.max": "max"}, None),
        ("0::/app\n", {"app/memory.max": "max", "memory.max": "700"}, 700),
        ("0::/\n", {"memory.max": "500"}, 500),
        ("4:memory:/x\n0::/\n", {"memory/x/memory.limit_in_bytes": "800"}, 800),
        ("4:cpu,memory:/x\n", {"memory/memory.limit_in_bytes": "600"}, 600),
        ("4:memory:/x\n", {"memory/x/memory.limit_in_bytes": "9223372036854771712"}, None),
        ("4:cpu:/x\n", {"cpu/x/memory.max": "5"}, None),
        ("", {}, None),
    ],
)
def test_the_smallest_limit_of_all_groups_counts(tmp_path, membership, files, limit):
    mount = tmp_path / "cgroup"
    for name, text in files.items():
        (mount / name).parent.mkdir(parents=True, exist_ok=True)
        (mount / name).write_text(text + "\n")
    (tmp_path / "self").write_text(membership)
    assert group_limit_bytes(tmp_path / "self", mount) == limit


def test_no_control_groups_means_no_limit(tmp_path):
    assert group_limit_bytes(tmp_path / "none", tmp_path) is None


def test_the_budget_leaves_the_kernel_a_share_of_the_container():
    assert effective_budget(300, None) == 300
    assert effective_budget(300, 1000) == 300
    assert effective_budget(300, 200) == 180


# ---------------------------------------------------------------- the sampler


def test_the_sampler_sees_memory_come_and_go():
    before = tree_bytes()
    with mmap.mmap(-1, 64 * MIB) as block:
        block.write(b"x" * (64 * MIB))
        grown = tree_bytes() - before
    shrunk = tree_bytes() - before
    assert 60 * MIB < grown < 72 * MIB
    assert shrunk < 8 * MIB


def test_the_sampler_counts_children_and_not_twice():
    code = "b = b'x' * (64 << 20); print(len(b), flush=True); input()"
    before = tree_bytes()
    child = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with child:
        child.stdout.readline()
        grown = tree_bytes() - before
        child.stdin.close()
    assert 60 * MIB < grown < 90 * MIB
    assert tree_bytes() - before < 16 * MIB


SHARED = """
import mmap, os, time
from utils.process_memory import tree_bytes
block = mmap.mmap(-1, 64 << 20)
block.write(b"x" * (64 << 20))
before = tree_bytes()
ours, theirs = os.pipe()
pid = os.fork()
if pid == 0:
    block.seek(0)
    for _ in range(16):
        block.read(4 << 20)
    os.write(theirs, b"x")
    time.sleep(30)
    os._exit(0)
os.read(ours, 1)
print(tree_bytes() - before)
os.kill(pid, 9)
os.waitpid(pid, 0)
"""


def test_shared_pages_count_once():
    done = subprocess.run(
        [sys.executable, "-c", SHARED], cwd=Path(__file__).parents[3],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert int(done.stdout) < 16 * MIB


def test_a_process_that_is_gone_counts_nothing():
    child = subprocess.Popen([sys.executable, "-c", "pass"])
    child.wait()
    assert tree_bytes() > 0
    assert not Path(f"/proc/{child.pid}").exists()


def test_giving_back_does_no_harm():
    give_back()


def test_what_runs_have_not_taken_yet_counts(world: World) -> None:
    world.used = 50 * MIB
    world.monitor.check()
    with world.monitor.expecting(30 * MIB):
        assert world.monitor.refusal(20 * MIB, heavy=False) is None
        assert world.monitor.refusal(21 * MIB, heavy=False) is not None
        world.used = 75 * MIB  # it has taken most of it: not counted twice
        world.monitor.check()
        assert world.monitor.refusal(20 * MIB, heavy=False) is None
        with world.monitor.expecting(15 * MIB):
            assert world.monitor.refusal(5 * MIB, heavy=False) is None
            assert world.monitor.refusal(6 * MIB, heavy=False) is not None
    world.used = 50 * MIB
    world.monitor.check()
    assert world.monitor.refusal(50 * MIB, heavy=False) is None
