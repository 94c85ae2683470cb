"""From a feature matrix to hypotheses: what a preference dataset would teach, tested and ranked.

Reading order: `contrast` (u, the signed difference that every test is about), `statistics` and
`inside` (the tests), `resampling` and `length` (intervals, nulls, controls), `vocabulary` with
`clusters` and `contexts` (what a concept and a topic are), `labels`, `prediction`, `run`.
"""
