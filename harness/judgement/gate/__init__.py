"""A change of rules, judged by the rules that it did not write.

Two revisions in, every rule of theirs side by side out, each difference classed *stricter,
equal, other* or *weaker*; and the hub of a run judged by the older revision's guards and goldens.

Source: design of the harness, section 12.
"""
