"""Work on Modal: the only room, beside `deployments`, that knows its client.

executor    runs the calls of stages: an ephemeral App a command     container   what happens in a container
image       what a container gets: packages, code, the Volume        volume      files to the Volume and back
budget      limits under which it cannot cost more than is left      cost        what work will cost, as measured
prices      what a container second costs                            connection  reach Modal, or say why not
control     what runs, and how to stop it                            download    fetch what lies on the Volume
running     asynchronous work that ends in order when interrupted
"""
