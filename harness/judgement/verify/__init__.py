"""A hub in, one row per check out: evidence proved again from its files alone.

The order is structure, bytes, seal and ledger, plan coverage, guards, freshness. Each check
goes on after the first fault and trusts nothing that an earlier one has refused.

Source: design of the harness, section 4.
"""

from harness.judgement.verify.conductor import verify
from harness.judgement.verify.report import Outcome, Row, VerifyReport

__all__ = ["Outcome", "Row", "VerifyReport", "verify"]
