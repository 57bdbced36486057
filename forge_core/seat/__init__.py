"""A network that sees one hand, and a search that lets no seat see more.

encode       what a seat knows, as numbers; dominoes in an order in which all trumps look alike
settings     the shapes of the networks, and what a training is
network      the MLP and the transformer
model        a network as it is asked: the same answer whatever is asked beside it
rollouts     contracts played on by a network in all four seats
player       the players "seat:NAME" and "rollout:worlds=50"
advise       what a network or its rollouts say of one decision
belief       who holds each hidden domino
games        deals that a network plays, their decisions labelled in the deal as it is
lit_module   losses, optimiser, averaged weights; train: one training, resumable after every epoch
history      the epochs of a training
folder       a network on disk; torch_model and onnx_model: how one is asked; export: how it becomes ONNX
catalog      the promoted networks; load: a network by name or path
"""
