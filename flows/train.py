"""Train a network."""

from prefect import flow

from flows import forms
from forge_core.artifacts.reference import Reference
from forge_core.learn.hardware import ONE_DEVICE, Hardware
from tasks.checkout import checkout
from tasks.devices import train_on
from tasks.elsewhere import work_on
from tasks.report import report_model
from tasks.train import train as train_model


@flow(name="train")
def train(
    tokens: forms.Tokens,
    settings: forms.Train,
    output: forms.Output = None,
    initial: forms.Initial = None,
    on: forms.On = None,
    hardware: forms.Settings[Hardware] = ONE_DEVICE,
) -> Reference:
    """Train a network and keep the weights with the lowest q_gap on the val split.

    tokens    an object of the store, or a folder that the flow `tokenize` wrote; of a stream, its val split alone
    settings  the network, what it learns from, and how
    output    a folder that gets the model, besides the store
    initial   the model whose weights it starts from; none = weights drawn by the seed
    on        where it is trained; none = here
    hardware  the devices that it is trained on
    """
    with work_on(on), train_on(hardware):
        model = train_model(tokens, settings, initial)
    if output is not None:
        checkout([model], output)
    report_model(model, tokens)
    return model
