"""What is wrong with a filter, and where."""

from nuncius.schemas.errors import SettingsError


class FilterError(SettingsError):
    """A filter that cannot be used.

    Parameters
    ----------
    message
        What is wrong and what to write instead; the column is added to it.
    column
        Of the first character at fault, counted from 1.
    """

    def __init__(self, message: str, column: int = 1) -> None:
        super().__init__(f"{message} (column {column})")
        self.message = message
        self.column = column
