"""From a feature matrix to hypotheses: what a preference dataset would teach, tested and ranked.

Reading order: `concepts` (what a concept, a topic and a kind of prompt are, and u, the signed difference that
every test is about), `statistics` (the tests, intervals, nulls and controls), `views` (overall, global, local),
`prediction`, `run`.

`offtarget.audit(pairs)` calls the function of `offtarget.api`.
"""

from offtarget import _make_callable

_make_callable(__name__)
