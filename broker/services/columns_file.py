"""Columns in a file without a name, mapped into memory: the system keeps in memory only what is looked at."""

import tempfile
from typing import Any

import numpy as np
from numpy.typing import NDArray

_ALIGNED = 64


def mapped(arrays: tuple[NDArray[Any], ...]) -> tuple[NDArray[Any], ...]:
    """The same numbers, read-only, in a file of the temporary folder (``$TMPDIR``) that vanishes with its last reader.

    Raises
    ------
    OSError
        The folder is full or cannot be written: its name and what to do.
    """
    try:
        return _mapped(arrays)
    except OSError as error:
        todo = "past candidates lie in files there: make room, or set TMPDIR to another folder"
        raise OSError(error.errno, f"{error.strerror or error}; {todo}", tempfile.gettempdir()) from error


def _mapped(arrays: tuple[NDArray[Any], ...]) -> tuple[NDArray[Any], ...]:
    offsets = []
    with tempfile.TemporaryFile(prefix="nuncius-candidates-") as file:
        for array in arrays:
            file.seek(-(-file.tell() // _ALIGNED) * _ALIGNED)
            offsets.append(file.tell())
            file.write(np.ascontiguousarray(array).data)
        file.flush()
        whole: NDArray[np.uint8] = np.memmap(file, np.uint8, mode="r")
    return tuple(
        np.asarray(whole[offset : offset + array.nbytes]).view(array.dtype)
        for offset, array in zip(offsets, arrays, strict=True)
    )
