"""A page that plays: an exported model in the browser by onnxruntime-web. `python -m deployments.browser` serves it."""
