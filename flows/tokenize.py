"""Turn shards into training arrays."""

from prefect import flow

from flows import forms
from forge_core.artifacts.reference import Reference
from forge_core.tokens.settings import TokenSettings
from tasks.checkout import checkout
from tasks.report import report_tokens
from tasks.tokenize import tokenize as tokenize_task


@flow(name="tokenize")
def tokenize(
    shards: list[forms.Shards], tokens: forms.Settings[TokenSettings], output: forms.Output = None
) -> Reference:
    """Encode shards as training arrays, one object for all of them.

    shards   objects of the store, or folders with {train,val,test}/*.parquet
    tokens   which states become samples
    output   a folder that gets the arrays, besides the store
    """
    arrays = tokenize_task(shards, tokens)
    if output is not None:
        checkout([arrays], output)
    report_tokens(arrays)
    return arrays
