from itertools import count, islice

import pytest

from forge_core.errors import InputError
from forge_core.shards.deals import DealMode, deal_requests
from forge_core.shards.request import DealRequest


def test_standard_deals_take_their_declaration_from_the_seed() -> None:
    assert list(islice(deal_requests(count(18), DealMode.STANDARD), 3)) == [
        DealRequest(18, None, 8),
        DealRequest(19, None, 9),
        DealRequest(20, None, 0),
    ]


def test_all_declarations_are_made_of_each_deal() -> None:
    requests = list(deal_requests([4, 5], DealMode.ALL_DECLARATIONS))
    assert requests == [DealRequest(seed, None, declaration) for seed in (4, 5) for declaration in range(10)]


def test_more_opponent_seeds_only_add_deals() -> None:
    two = list(deal_requests([7], DealMode.MARGINALIZED, opponent_seeds=2))
    three = list(deal_requests([7], DealMode.MARGINALIZED, opponent_seeds=3))
    assert three[:2] == two == [DealRequest(7, 0, 7), DealRequest(7, 1, 7)]
    assert {request.deal().hands[0] for request in three} == {two[0].deal().hands[0]}
    assert len({request.deal() for request in three}) == 3


def test_bad_arguments_are_refused() -> None:
    with pytest.raises(InputError, match="opponent seeds"):
        list(deal_requests([0], DealMode.MARGINALIZED, opponent_seeds=0))
    with pytest.raises(InputError, match="seed -1"):
        list(deal_requests([-1], DealMode.STANDARD))
