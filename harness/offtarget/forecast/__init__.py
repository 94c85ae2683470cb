"""Before training: what each concept and behaviour will do, under plain DPO and under a plan.

`offtarget.forecast(data)` calls the function of `offtarget.api`.
"""

from offtarget import _make_callable

_make_callable(__name__)
