"""A reviewed hand as rows of text, for a table in the terminal and for a page that stands alone."""

from html import escape

from forge_core.review.judge import Judgement, Review
from forge_core.rules import declaration_name, hand_name

COLUMNS = ("play", "seat", "played", "best, open", "lost, open", "best, seen", "lost, E[Q]", "±", "P(make) lost")

_STYLE = """body{font:16px/1.5 system-ui,sans-serif;
max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222;background:#fff}
table{border-collapse:collapse;width:100%}td,th{padding:.2rem .6rem;text-align:right;border-bottom:1px solid #ddd}
td:first-child,th:first-child{text-align:left}tr.lost td{background:#fbe3df}
@media(prefers-color-scheme:dark){body{color:#ddd;background:#181818}
td,th{border-color:#444}tr.lost td{background:#522}}"""


def title(review: Review) -> str:
    """The hand in a line."""
    hand = review.hand
    bid = "" if hand.bid is None else f", bid {hand.bid}"
    return f"{hand.name}: {declaration_name(hand.record.declaration)} by seat {hand.record.first_leader}{bid}"


def decision_rows(review: Review) -> list[tuple[str, ...]]:
    """A row for every decision with a choice; the columns are `COLUMNS`."""
    return [_row(each) for each in review.judgements if each.choices > 1]


def seat_rows(review: Review) -> list[tuple[str, ...]]:
    """A row a seat: decisions with a choice, points given up with open hands, expected points given up."""
    return [
        (str(each["seat"]), str(each["decisions"]), _points(each["open_loss"]), _points(each["seen_loss"]))
        for each in review.losses()
    ]


def page(reviews: list[Review]) -> str:
    """One page about these hands, without anything from elsewhere."""
    parts = [f"<!doctype html><meta charset=utf-8><title>Review of played hands</title><style>{_STYLE}</style>"]
    parts.append(
        "<h1>What the plays gave up</h1><p>Points against the best play: with all hands open, and as expected from "
        "what the seat saw (E[Q]). Rows in colour gave up a point or more of E[Q].</p>"
    )
    for review in reviews:
        parts.append(f"<h2>{escape(title(review))}</h2>")
        parts.append(_table(("seat", "decisions", "lost, open", "lost, E[Q]"), seat_rows(review), set()))
        judged = [each for each in review.judgements if each.choices > 1]
        lost = {index for index, each in enumerate(judged) if (each.seen_loss or 0) >= 1}
        parts.append(_table(COLUMNS, decision_rows(review), lost))
        for seat, hand in enumerate(review.hand.hands):
            parts.append(f"<div>seat {seat}: {'unknown' if hand is None else hand_name(hand)}</div>")
    return "\n".join(parts)


def _row(each: Judgement) -> tuple[str, ...]:
    make = "" if each.make_loss is None else f"{max(0.0, each.make_loss):.0%}"
    sem = "" if each.sem is None else f"{each.sem:.1f}"
    opened = (each.open_best or "?", _points(each.open_loss))
    return (
        str(each.play),
        str(each.seat),
        each.domino,
        *opened,
        each.seen_best or "?",
        _points(each.seen_loss),
        sem,
        make,
    )


def _points(loss: float | None) -> str:
    return "?" if loss is None else "-" if loss < 0.005 else f"{loss:.4g}"


def _table(columns: tuple[str, ...], rows: list[tuple[str, ...]], lost: set[int]) -> str:
    lines = ["<table><tr>" + "".join(f"<th>{escape(name)}" for name in columns)]
    for index, row in enumerate(rows):
        mark = ' class="lost"' if index in lost else ""
        lines.append(f"<tr{mark}>" + "".join(f"<td>{escape(cell)}" for cell in row))
    return "\n".join([*lines, "</table>"])
