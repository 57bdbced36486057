"""Export a model to ONNX."""

from prefect import flow

from flows import forms
from forge_core.artifacts.reference import Reference
from tasks.checkout import checkout
from tasks.dataset import tokens_of
from tasks.export import export
from tasks.report import report_onnx


@flow(name="export-onnx")
def export_onnx(model: forms.Model, tokens: forms.ModelTokens = None, output: forms.Output = None) -> Reference:
    """Export a model to ONNX and check it against torch on real samples.

    model   an object of the store, or a model folder
    tokens  where the samples come from: an object of the store, or a token folder; none = those that the model
            learned from, if the store has them
    output  a folder that gets model.onnx, besides the store
    """
    onnx = export(model, tokens or tokens_of(model))
    if output is not None:
        checkout([onnx], output)
    report_onnx(onnx, model)
    return onnx
