"""A change of rules, judged by the rules that it did not write.

Every rule of two revisions side by side, each difference classed *stricter, equal, other* or
*weaker*; and the hub of a run judged by the guards and goldens of the older one.

Source: design of the harness, section 12.
"""
