"""Which score is best, for which method and question: what is measured, and what it says.

The plan, `notebooks/8_plan.md`, was written before any of it was run. One direction only:
networks and cases → maps → measures (truths, judges) → rows of a table → answer.
"""
