"""The domain library of Crystal Forge: Texas 42 from the rules to E[Q].

No Prefect, no Modal, no MLflow, no YAML and no environment variables in here. Imports point one way:

    expected_q, learn -> tokens -> shards -> solver -> rules -> errors      (artifacts stands beside them)
"""
