"""Work on Modal: the only room, beside `deployments`, that knows its client.

place       configs.modal: where, how many, how long, for how much
prices      what a container second costs             cost        what a run will cost, from measured times
journal     what was started, on disk                 guard       stops it when the process that started it is gone
connection  reach Modal, or say why not               dispatch    windows, retries, budget, cancellation
volume      files to the Volume and back              control     what runs, and how to stop it
blocks      stages that make many files               single      stages that make one object
"""
