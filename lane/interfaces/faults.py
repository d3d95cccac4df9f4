"""Why a whole file was refused."""

FILE_BYTES_MAX = 32 * 1024 * 1024
"""100 lists of 99 lines of about 1 kB make 10 MB: three times that is room enough for any message or table."""


class FileRefusedError(Exception):
    """A file can't be read as what it claims to be; nothing of it is stored.

    The text names place and expectation, never a value found in the file.
    """
