"""The guide to choosing a loss: one decision table as data, from which the command and the documentation page are made.

``questions.toml`` holds what is asked and what each answer means, ``tasks/*.toml`` which loss the answers lead to and
why, ``pitfalls.toml`` the mistakes that go with them.
"""

from numbaloss.guide.table import Pitfall, Question, Row, Table, table

__all__ = ["Pitfall", "Question", "Row", "Table", "table"]
