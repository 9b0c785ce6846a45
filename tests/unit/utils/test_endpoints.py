"""The endpoints: their numbers are the counters', their guard holds, canaries stay inside."""

from __future__ import annotations

import json
from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest
from prometheus_client.parser import text_string_to_metric_families

import logic
from config import Settings
from stats.shape import shape_of
from tests.unit.utils.asgi_calls import Witness, called
from utils.front_gate import Behind, FrontRules, front_gate
from utils.plan_api import PlanApi
from utils.status import readiness

SECRET = "an-admin-secret-of-ours"
BEARER = [("host", "localhost"), ("authorization", f"Bearer {SECRET}")]
JSON = [("host", "localhost"), ("content-type", "application/json")]
CANARY = "Zebediah Canaryson"


@pytest.fixture
def bench(tmp_path) -> Iterator[None]:
    logic.configure(Settings(cache_dir=str(tmp_path / "cache"), memory_budget_bytes=2 << 30))
    yield
    logic.shutdown()


def plan(asked):
    found = logic.plan(**shape_of(asked))
    return {"seconds": found.seconds, "bytes": found.bytes, "sentence": found.sentence}


def front(**rules):
    behind = Behind(status=logic.status, plan=PlanApi(plan, (logic.StatsError,)))
    return front_gate(Witness(), FrontRules(**rules), behind)


def analysed() -> None:
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({CANARY: rng.normal(size=80), "died": rng.integers(0, 2, 80)})
    for _ in range(3):
        logic.analyze_outcome(frame, outcome="died", event="1", predictors=[CANARY])
    with pytest.raises(logic.BadInput):
        logic.analyze_outcome(frame, outcome="died", event="1", predictors=[CANARY + " 2"])


def test_alive_answers_anybody_without_work() -> None:
    app = front_gate(
        Witness(),
        FrontRules(password="long enough"),
        Behind(status=lambda: pytest.fail("work was done"), plan=PlanApi(plan, ())),
    )
    for headers in ([("host", "10.0.0.3:7860")], [("host", "probe.example")], []):
        reply = called(app, "GET", "/healthz", headers, server=("10.0.0.3", 7860))
        assert (reply.status, reply.body) == (200, b"alive\n")
    assert called(app, "HEAD", "/healthz").body == b""
    assert called(app, "POST", "/healthz").status == 405


def test_the_numbers_are_the_counters(bench: None) -> None:
    analysed()
    told = json.loads(called(front(admin_secret=SECRET), "GET", "/api/stats", BEARER).body)
    counts = told["cache"]["functions"]["analyze_outcome"]
    assert (counts["calls"], counts["computes"], counts["hits"]) == (3, 1, {"memory": 2})
    text = called(front(admin_secret=SECRET), "GET", "/metrics", BEARER).body.decode()
    samples = {
        (s.name, *s.labels.values()): s.value
        for family in text_string_to_metric_families(text)
        for s in family.samples
    }
    assert samples["clinstat_cache_calls_total", "analyze_outcome"] == 3
    assert samples["clinstat_cache_computes_total", "analyze_outcome"] == 1
    assert samples["clinstat_cache_hits_total", "memory"] == 2
    assert samples["clinstat_memory_budget_bytes",] == told["memory"]["budget_bytes"]
    assert samples["clinstat_open_pages",] == 0


def test_refusals_are_counted_where_they_can_be_seen(bench: None) -> None:
    app = front(admin_secret=SECRET, public=True)
    called(app, "GET", "/", [("host", "evil.example")])
    called(app, "WS", "/websocket/", [("host", "localhost"), ("origin", "null")])
    counts = json.loads(called(app, "GET", "/api/stats", BEARER).body)["front"]["counts"]
    assert counts == {"request refused: host": 1, "request refused: origin": 1}


@pytest.mark.parametrize("path", ["/api/stats", "/metrics"])
def test_the_guard(bench: None, path: str) -> None:
    app = front(admin_secret=SECRET)
    assert called(app, "GET", path).status == 401
    wrong = [("host", "localhost"), ("authorization", "Bearer guess")]
    assert [called(app, "GET", path, wrong).status for _ in range(12)] == [401] * 10 + [429] * 2
    assert called(app, "GET", path, BEARER).status == 200
    basic = [("host", "localhost"), ("authorization", f"Basic {SECRET}")]
    assert called(app, "GET", path, basic, client=("2.2.2.2", 1)).status == 401


def test_without_a_secret_only_this_machine_asks(bench: None) -> None:
    app = front()
    assert called(app, "GET", "/api/stats").status == 200
    assert called(app, "GET", "/api/stats", client=("10.0.0.2", 1)).status == 403
    through = [("host", "localhost"), ("x-forwarded-for", "8.8.8.8")]
    assert called(app, "GET", "/api/stats", through).status == 403
    assert called(front(proxy_hops=1), "GET", "/api/stats").status == 403


def test_no_canary_comes_out(bench: None) -> None:
    analysed()
    app = front(admin_secret=SECRET, password="a password of ours")
    seen = b"".join(
        called(app, "GET", path, [*BEARER, ("x-canary", CANARY)]).body
        for path in ("/healthz", "/readyz", "/api/stats", "/metrics")
    )
    assert b"analyze_outcome" in seen
    for canary in (
        CANARY.encode(),
        b"Canaryson",
        SECRET.encode(),
        b"password of",
        b"/tmp",
        b"died",
    ):
        assert canary not in seen


def test_ready_says_why_not() -> None:
    calm = {"memory": {"level": "calm"}, "cache": {"tiers": {"redis": {"benched": True}}}}
    assert readiness(calm) == ([], ["the redis tier failed and is left out for now"])
    pressed = {"memory": {"level": "refuse"}, "cache": {"tiers": {}}}
    behind = Behind(status=lambda: pressed, plan=PlanApi(plan, ()))
    reply = called(front_gate(Witness(), FrontRules(), behind), "GET", "/readyz")
    assert reply.status == 503
    assert "memory" in json.loads(reply.body)["reasons"][0]


# the plan

ASKED = {
    "analysis": "analyze_outcome",
    "rows": 50_000,
    "variables": [
        {"name": "died", "kind": "binary"},
        {"name": "age", "kind": "continuous"},
        {"name": "site", "kind": "categorical", "levels": 12},
        {"name": "arm", "kind": "categorical", "levels": ["a", "b"]},
    ],
    "choices": {"outcome": "died", "event": "1", "predictors": ["age", "site", "arm"]},
}


def ask(asked: object, **extra):
    body = asked if isinstance(asked, bytes) else json.dumps(asked).encode()
    return called(front(), "POST", "/api/plan", JSON, body=body, **extra)


def test_the_plan_is_that_of_a_dataset_of_this_shape(bench: None) -> None:
    reply = ask(ASKED)
    assert reply.status == 200
    n = ASKED["rows"]
    frame = pd.DataFrame(
        {
            "died": np.resize(["0", "1"], n),
            "age": np.arange(float(n)),
            "site": np.resize([str(i) for i in range(12)], n),
            "arm": np.resize(["a", "b"], n),
        }
    )
    real = logic.plan("analyze_outcome", frame, **ASKED["choices"])
    assert json.loads(reply.body)["bytes"] == real.bytes
    assert json.loads(reply.body)["seconds"] == pytest.approx(real.seconds)


def test_more_rows_cost_more(bench: None) -> None:
    costs = [json.loads(ask(ASKED | {"rows": n}).body)["seconds"] for n in (100, 10_000, 10**6)]
    assert costs == sorted(costs)
    assert costs[2] > 20 * costs[0]


@pytest.mark.parametrize(
    "change",
    [
        {"analysis": "no_such"}, {"analysis": 3}, {"rows": -1}, {"rows": True}, {"rows": 1e5},
        {"rows": 10**12}, {"variables": []}, {"variables": 5}, {"variables": [{}]},
        {"variables": [{"name": "died", "kind": "binary", "levels": 10**9}]},
        {"variables": [{"name": "died", "kind": "odd"}]}, {"choices": []},
        {"choices": {"outcome": 5}}, {"choices": {"outcome": "died", "predictors": 7}},
        {"choices": {"data": "x"}}, {"choices": {"unknown": 1}},
        {"choices": {"outcome": "missing", "predictors": ["age"]}},
    ],
)  # fmt: skip
def test_a_wrong_question_gets_a_sentence(bench: None, change: dict[str, object]) -> None:
    reply = ask(ASKED | change)
    assert reply.status == 422
    sentence = json.loads(reply.body)["error"]
    assert sentence.endswith(".")
    assert not any(word in sentence for word in ("Traceback", "Error", "nan", "None", "/"))


@pytest.mark.parametrize("body", [b"", b"{", b"[" * 60_000, b"\xff", b'{"a":1,"a":2}', b"NaN"])
def test_what_is_not_json_is_refused(bench: None, body: bytes) -> None:
    assert ask(body).status == 422


def test_the_question_is_limited(bench: None) -> None:
    assert ask(b" " * 65_537).status == 413
    plain = [("host", "localhost"), ("content-type", "text/plain")]
    assert called(front(), "POST", "/api/plan", plain, body=b"{}").status == 415
    assert called(front(), "GET", "/api/plan").status == 405


def test_the_plan_is_behind_password_and_origin(bench: None) -> None:
    body = json.dumps(ASKED).encode()
    closed = front(password="long enough")
    assert called(closed, "POST", "/api/plan", JSON, body=body).status == 401
    foreign = [*JSON, ("origin", "https://evil.example")]
    assert called(front(), "POST", "/api/plan", foreign, body=body).status == 403
