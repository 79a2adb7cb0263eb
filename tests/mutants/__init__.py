"""Would the tests notice? One-line changes of SQL, indicators and readings, each tried with the tests near it.

`sql`, `descriptions` and `python` find the places of a text that a rule can change; `run` samples, tries and
reports."""
