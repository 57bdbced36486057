import pytest

from forge_core.errors import InputError
from forge_core.rules import deal_from_seed, deal_with_fixed_hand
from forge_core.shards.request import DealRequest


def test_a_path_names_the_seeds_and_the_declaration() -> None:
    assert DealRequest(7, None, 3).relative_path().as_posix() == "train/seed_00000007_decl_3.parquet"
    assert DealRequest(12950, 2, 9).relative_path().as_posix() == "test/seed_00012950_opp2_decl_9.parquet"


def test_the_opponent_seed_deals_all_but_seat_0() -> None:
    plain, marginalized = DealRequest(5, None, 0), DealRequest(5, 1, 0)
    assert plain.deal() == deal_from_seed(5)
    assert marginalized.deal() == deal_with_fixed_hand(deal_from_seed(5).hands[0], 1)
    assert marginalized.deal().hands[1:] != plain.deal().hands[1:]


@pytest.mark.parametrize(("arguments", "named"), [((-1, None, 0), "seed -1"), ((0, -2, 0), "opponent seed -2")])
def test_a_negative_seed_is_refused(arguments: tuple[int, int | None, int], named: str) -> None:
    with pytest.raises(InputError, match=named):
        DealRequest(*arguments)


def test_an_eleventh_declaration_is_refused() -> None:
    with pytest.raises(InputError, match=r"declaration.*10"):
        DealRequest(0, None, 10)
