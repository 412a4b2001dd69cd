"""The conformance suite: what every loss must satisfy, built-in or from a plugin.

A plugin's whole test file:

>>> from numbaloss.testing import parametrize_loss_checks
>>> @parametrize_loss_checks(["huber_loss"])
... def test_conformance(loss, check):
...     check(loss)

Without pytest, `check_loss` runs the same checks and gives a list of results. Each check is a plain function
``check_...(loss)`` that raises AssertionError; `all_checks` names them. Inputs are drawn from the facts on the loss
(`inputs`), so a loss needs no test code of its own. Needs mpmath; bfloat16 is checked where ml_dtypes is installed.
"""

from __future__ import annotations

from numbaloss.testing.suite import (
    Result,
    all_checks,
    check_loss,
    checks_for,
    iter_checks,
    parametrize_loss_checks,
)

__all__ = ["Result", "all_checks", "check_loss", "checks_for", "iter_checks", "parametrize_loss_checks"]
