"""The exceptions of townsend. All are ``townsend.Error``, and also what Python calls such a thing."""


class Error(Exception):
    """What went wrong, in words: the file, the object in it, the value, and what to do."""

    __module__ = "townsend"


class UsageError(Error, ValueError):
    """What was asked for cannot be: an argument, a configuration, avalanches that do not suit."""

    __module__ = "townsend"


class KindError(UsageError, AttributeError):
    """An array of electrons was asked of counts, or one of counts of electrons."""

    __module__ = "townsend"


class FileError(Error, OSError):
    """The system refused to read or to write."""

    __module__ = "townsend"


class NotFoundError(FileError, FileNotFoundError):
    """There is no such file or folder."""

    __module__ = "townsend"


class ExistsError(FileError, FileExistsError):
    """There is such a file already, and nothing is overwritten without being asked."""

    __module__ = "townsend"


class AccessError(FileError, PermissionError):
    """The file may not be read or written."""

    __module__ = "townsend"


class FolderError(FileError, IsADirectoryError):
    """There is a folder where a file was to be."""

    __module__ = "townsend"


class OutOfMemoryError(Error, MemoryError):
    """Avalanches outgrow the memory that the system gives."""

    __module__ = "townsend"


class DefectError(Error, RuntimeError):
    """A defect of townsend itself."""

    __module__ = "townsend"


class MissingPackageError(Error, ImportError):
    """A package that is not installed, and that what was asked for needs."""

    __module__ = "townsend"


class Warning(UserWarning):
    """What should be known of a file that was read, or of a setting."""

    __module__ = "townsend"
