"""`python -m warehouse …` is the console script, for child processes that know only their interpreter."""

from warehouse.cli.main import main

main()
