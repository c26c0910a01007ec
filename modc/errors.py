"""The one exception that a user is meant to read."""


class UserError(Exception):
    """Something the user can mend: names the file, line or key, what was expected, what to do.

    The message is a single line. The command line prints it and exits with status 1.
    """
