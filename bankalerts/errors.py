"""The one base class of the errors that a person can do something about."""


class BankalertsError(Exception):
    """A failure whose text names the thing, the value and the remedy in one line.

    Commands print the text without a traceback and exit with 1; parts print it on stderr and exit with 1.
    """
