"""Export a model to ONNX."""

from prefect import flow

from flows import forms
from forge_core.artifacts.reference import Reference
from forge_core.learn.export_report import DEFAULT, ExportSettings
from tasks.checkout import checkout
from tasks.dataset import tokens_of
from tasks.export import export
from tasks.report import report_onnx


@flow(name="export")
def export_onnx(
    model: forms.Model,
    tokens: forms.ModelTokens = None,
    output: forms.Output = None,
    settings: forms.Settings[ExportSettings] = DEFAULT,
) -> Reference:
    """Export a model to ONNX in float32, float16 and int8, and check each against torch on real samples.

    model     an object of the store, or a model folder
    tokens    where the samples come from: an object of the store, or a token folder; none = those that the model
              learned from, if the store has them
    output    a folder that gets the files, besides the store
    settings  how the files are checked
    """
    onnx = export(model, tokens or tokens_of(model), settings)
    if output is not None:
        checkout([onnx], output)
    report_onnx(onnx, model)
    return onnx
