"""``python -m nuncius.broker.cli``: the command where it is not on the path."""

from nuncius.broker.cli import main

main()
