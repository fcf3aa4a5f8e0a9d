"""What may be known at a review: what has happened, and slips that were announced; nothing of what comes after."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from oracle.tiny_case import cluster, grid, rate, site, sku, tiny_case

from planner.adapting.known import Known, known_at
from planner.adapting.nodes import group_futures
from planner.adapting.reviews import review_months, stage_of
from planner.adapting.signs import best_sign
from planner.candidates.outlook import make_outlook
from planner.case.calendar import Calendar
from planner.case.case import Case
from planner.case.edits import apply_edits
from planner.errors import PlannerError
from planner.scenarios.futures import make_futures


def case(*edits: str) -> Case:
    """A market that moves, a phase due in month 20 that may slip, a customer that may default, an offer that is not
    certain."""
    made = tiny_case(
        months=36, sites=[site(mw=4)],
        power=[
            grid(), grid(energised="2028-09", status="announced", lead_months=0, source_id="late", delay_low_months=3,
                 delay_mode_months=3, delay_high_months=3),
        ],
        gpus=[sku(order_lead_months=4), sku("mini")], customers=[{"customer_id": "solid", "rating": "CCC"}],
        leases=[cluster(start="2028-06", answer_by="2027-12", offer_probability=0.5)], lease_rates=[rate(usd=2.0)],
        market=[{"gpu_id": gpu, "usd_per_gpu_hour": 2.0} for gpu in ("gpu", "mini")],
        factors=[
            {"factor_id": "spot", "model": "gbm", "drives": "market", "volatility_per_year": 0.4},
            {"factor_id": "own", "model": "gbm", "drives": "market[gpu]", "volatility_per_year": 0.3},
            {"factor_id": "wait", "model": "discrete_delay", "drives": "delay[late:1]", "outcomes": "0:0.5;6:0.5"},
            {"factor_id": "parts", "model": "discrete_delay", "drives": "delivery[gpu]", "outcomes": "-2:0.5;1:0.5"},
            {"factor_id": "part", "model": "discrete", "drives": "offered_size[lease]", "outcomes": "0.5:0.5;1:0.5"},
        ],
    )
    return apply_edits(made, edits) if edits else made


def known(month: int, *edits: str, seed: int = 1) -> dict[str, Known]:
    made = case(*edits)
    outlook = make_outlook(made)
    futures = make_futures(made, outlook.calendar, scenarios=400, seed=seed)
    return {each.name: each for each in known_at(outlook, futures, month)}


@pytest.mark.parametrize(("announced", "first"), [(6, 14), (0, 20), (12, 8)])
def test_a_slip_is_known_from_its_announcement_on(announced: int, first: int) -> None:
    """The phase is promised for month 20: its slip is known so many months before, and not a month sooner."""
    edit = f"factors.announced_months[wait]={announced}"
    assert "delay[late:1]" not in known(first - 1, edit)
    figure = known(first, edit)["delay[late:1]"]
    assert set(figure.level) == {0.0, 6.0}


def test_a_delivery_is_known_by_its_lead() -> None:
    """The first GPUs come after 4 months; of a slip of theirs nothing is known earlier than announced before that."""
    assert "parts" not in known(1, "factors.announced_months[parts]=2")
    assert "parts" in known(2, "factors.announced_months[parts]=2")


def test_an_offer_and_a_default_are_known_when_they_happen() -> None:
    assert "offer[lease]" not in known(10)
    assert "offer[lease]" in known(11)
    assert "part" not in known(10)
    assert set(known(11)["part"].level) == {0.5, 1.0}
    assert known(11)["part"].sign(0.75, above=True) == "if more than 75% of lease is offered"
    early, late = known(6)["default[solid]"].level, known(30)["default[solid]"].level
    assert (late >= early).all()
    assert late.sum() > early.sum()


def test_a_price_is_known_up_to_the_month_before() -> None:
    """Of a SKU what moves all and what moves it alone, multiplied."""
    made = case()
    outlook = make_outlook(made)
    futures = make_futures(made, outlook.calendar, scenarios=50, seed=3)
    figures = {each.name: each for each in known_at(outlook, futures, 12)}
    spot, own = (futures.values.multipliers[name][:, 11] for name in ("spot", "own"))
    np.testing.assert_allclose(figures["market[gpu]"].level, spot * own)
    np.testing.assert_allclose(figures["market[mini]"].level, spot)
    np.testing.assert_allclose(figures["market"].level, (spot * own + spot) / 2.0)


def test_groups_are_nested_and_whole_and_follow_from_the_seed() -> None:
    made = case()
    outlook = make_outlook(made)
    futures = make_futures(made, outlook.calendar, scenarios=200, seed=5)
    npv = 1e6 * futures.values.multipliers["spot"].mean(axis=1)
    trees = [group_futures(outlook, futures, npv, (12, 24), (3, 2), 7) for _ in range(2)]
    for one, other in zip(trees[0].nodes, trees[1].nodes, strict=True):
        np.testing.assert_array_equal(one.futures, other.futures)
    tree = trees[0]
    assert [len(tree.of_stage(stage)) for stage in range(3)] == [1, 3, 6]
    for number, node in enumerate(tree.nodes):
        children = [each for each in tree.nodes if each.parent == number]
        if children:
            np.testing.assert_array_equal(np.sort(np.concatenate([each.futures for each in children])), node.futures)
            assert sum(each.probability for each in children) == pytest.approx(node.probability)
    for stage in (1, 2):
        features = tree.features(stage)
        for parent in tree.of_stage(stage - 1):
            members = tree.nodes[parent].futures
            np.testing.assert_array_equal(tree.followed(parent, features[members]), tree.node_of(stage)[members])


def test_what_moves_no_value_splits_no_futures() -> None:
    """The plan feels the price of one SKU alone: the two groups part where that price does."""
    made = case("factors.volatility_per_year[spot]=0.01")
    outlook = make_outlook(made)
    futures = make_futures(made, outlook.calendar, scenarios=300, seed=2)
    price = futures.values.multipliers["own"][:, 11]
    tree = group_futures(outlook, futures, price * 1e6, (12,), (2,), 1)
    low, high = (tree.nodes[number].futures for number in tree.of_stage(1))
    assert price[low].max() < price[high].min() * 1.1


def test_reviews_part_decisions_into_stages() -> None:
    calendar = Calendar("2027-01", 36)
    assert review_months(None, calendar) == (12, 30)
    assert review_months(None, Calendar("2027-01", 24)) == (12,)
    assert review_months(("2028-07", "2028-01"), calendar) == (12, 18)
    assert review_months(("2031-01",), calendar) == ()
    assert stage_of(np.array([0, 11, 12, 29, 30, 35]), (12, 30)).tolist() == [0, 0, 1, 1, 2, 2]
    for bad, words in ((("2027-01",), "not after the start"), (("2028-01", "2028-01"), "twice")):
        with pytest.raises(PlannerError, match=words):
            review_months(bad, calendar)


def test_the_best_sign_is_the_best_of_all_levels() -> None:
    """Against every figure, level and direction tried one by one."""
    random = np.random.default_rng(4)
    figures = [Known(name, name, "ratio", random.normal(size=40)) for name in ("a", "b", "c")]
    done, weights = figures[1].level + 0.4 * random.normal(size=40) > 0.2, random.uniform(0.5, 1.5, 40)
    found = best_sign(figures, done, weights)
    share = weights / weights.sum()
    best = max(
        float(share @ ((figure.level > level) == (done if above else ~done)))
        for figure in figures for level in figure.level for above in (True, False)
    )
    assert found is not None
    assert found.accuracy == pytest.approx(best)
    assert float(share @ (found.says(found.figure.level) == done)) == pytest.approx(found.accuracy)


def test_a_sign_that_tells_no_more_than_chance_is_none() -> None:
    """Of a thing that is taken in nine futures of ten, a figure of chance spares no mistake worth the name."""
    random = np.random.default_rng(8)
    weights = np.full(400, 1.0 / 400)
    done = random.uniform(size=400) < 0.9
    assert best_sign([Known("a", "a", "ratio", random.normal(size=400))], done, weights) is None
    telling = np.where(done, 1.0, 0.0) + 0.1 * random.normal(size=400)
    found = best_sign([Known("a", "a", "ratio", telling)], done, weights)
    assert found is not None
    assert found.accuracy > 0.99


@pytest.mark.parametrize(
    ("unit", "level", "above", "words"),
    [
        ("ratio", 1.1, True, "if it is above 1.10 of its forward value"),
        ("months", 0.5, True, "if it is 1 month late or later"),
        ("months", 5.5, False, "if it is 5 months late or earlier"),
        ("months", -0.5, True, "if it is on time or later"),
        ("months", -1.5, False, "if it is 2 months early or earlier"),
        ("yes", 0.5, True, "if it"), ("yes", 0.5, False, "unless it"),
    ],
)
def test_a_sign_in_words(unit: str, level: float, above: bool, words: str) -> None:
    assert Known("it", "it", unit, np.zeros(1)).sign(level, above) == words


def test_futures_of_no_weight_move_no_group() -> None:
    made = case()
    outlook = make_outlook(made)
    futures = make_futures(made, outlook.calendar, scenarios=80, seed=5)
    npv = 1e6 * futures.values.multipliers["spot"].mean(axis=1)
    weights = np.where(np.arange(80) < 60, 1.0 / 60, 0.0)
    tree = group_futures(outlook, replace(futures, weights=weights), npv, (12,), (3,), 7)
    alone = group_futures(outlook, futures.piece(slice(0, 60)), npv[:60], (12,), (3,), 7)
    for one, other in zip(tree.nodes, alone.nodes, strict=True):
        np.testing.assert_array_equal(one.futures[one.futures < 60], other.futures)
        assert one.probability == pytest.approx(other.probability / 0.75 if other.parent >= 0 else 1.0)
    nobody = group_futures(outlook, replace(futures, weights=np.eye(1, 80)[0]), npv, (12, 24), (3, 3), 7)
    assert sum(nobody.nodes[leaf].probability for leaf in nobody.leaves) == pytest.approx(1.0)


def test_goodput_is_known_once_its_lease_has_begun() -> None:
    made = tiny_case(
        sites=[site()], power=[grid()], leases=[cluster(start="2027-07", goodput_promised=0.95)],
        lease_rates=[rate()],
        factors=[{"factor_id": "runs", "model": "discrete", "drives": "goodput[lease]", "outcomes": "0.8:0.5;1:0.5"}],
    )
    outlook = make_outlook(made)
    futures = make_futures(made, outlook.calendar, scenarios=40)
    assert "runs" not in {figure.name for figure in known_at(outlook, futures, 6)}
    (figure,) = (figure for figure in known_at(outlook, futures, 7) if figure.name == "runs")
    assert figure.said(0.8) == "the goodput of lease at 80.0%"
    assert figure.sign(0.9, above=False) == "if the goodput of lease is below 90.0%"
