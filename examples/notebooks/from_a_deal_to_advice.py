"""A notebook: from a deal to advice to a plot. `marimo edit examples/notebooks/from_a_deal_to_advice.py`."""

import marimo

__generated_with = "0.25.2"

app = marimo.App(width="medium", app_title="From a deal to advice")


@app.cell
def _():
    import marimo as mo
    import matplotlib.pyplot as plt

    import forge_core
    from forge_core.rules import Declaration, deal_from_seed, declaration_name, hand_name

    return Declaration, deal_from_seed, declaration_name, forge_core, hand_name, mo, plt


@app.cell
def _(mo):
    mo.md("""
    # From a deal to advice

    Seat 0 has declared and leads. Choose a deal and its trumps; every cell below follows.
    """)
    return


@app.cell
def _(Declaration, declaration_name, mo):
    seed = mo.ui.number(start=0, stop=9999, value=7, label="seed")
    declaration = mo.ui.dropdown([declaration_name(each) for each in Declaration], value="sixes", label="declaration")
    n_worlds = mo.ui.slider(50, 1000, step=50, value=200, label="worlds", show_value=True)
    mo.hstack([seed, declaration, n_worlds], justify="start")
    return declaration, n_worlds, seed


@app.cell
def _(deal_from_seed, hand_name, mo, seed):
    deal = deal_from_seed(seed.value)
    mo.md("\n".join(f"- seat {seat}: `{hand_name(hand)}`" for seat, hand in enumerate(deal.hands)))
    return (deal,)


@app.cell
def _(mo):
    mo.md("""
    ## All hands open

    The solver looks at every way in which the hand can go on. Points are those of seats 0 and 2 minus those of 1 and 3.
    """)
    return


@app.cell
def _(deal, declaration, forge_core, mo):
    table = forge_core.solve(deal, declaration.value)
    q = forge_core.q_values(deal, declaration.value)
    mo.md(f"Value **{table.opening_value:+d}**, {table.reachable_states:,} states. Each lead: `{q}`")
    return q, table


@app.cell
def _(mo):
    mo.md("""
    ## One hand open

    Seat 0 sees seven dominoes. Deals of the other 21 that it cannot tell apart are drawn and solved; the mean is E[Q].
    """)
    return


@app.cell
def _(deal, declaration, forge_core, hand_name, n_worlds):
    info = forge_core.information_set(hand_name(deal.hands[0]), declaration.value)
    advice = forge_core.advise(info, n_worlds=n_worlds.value, bid=30)
    advice.as_json()["plays"]
    return (advice,)


@app.cell
def _(advice, hand_name, plt, q):
    names = [hand_name([play.domino]) for play in advice.plays]
    figure, axes = plt.subplots(figsize=(7, 3.5), layout="constrained")
    axes.bar(names, [play.mean for play in advice.plays], yerr=[2 * play.sem for play in advice.plays], capsize=4,
             label="E[Q] ± 2 SEM, one hand seen", color="#2a9d8f")  # fmt: skip
    axes.plot(names, [q[name] for name in names], "D", color="#e76f51", label="Q, all hands open")
    axes.axhline(0, color="gray", linewidth=0.8)
    axes.set(xlabel="lead", ylabel="points", title="What each lead is worth")
    axes.legend()
    figure
    return figure, names


if __name__ == "__main__":
    app.run()
