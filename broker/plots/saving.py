"""A figure into a file, with words for who cannot see it."""

import io
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from matplotlib.backend_bases import FigureCanvasBase
from matplotlib.figure import Figure

from nuncius.schemas.errors import SettingsError


def save(figure: Figure, target: Path, *, title: str, words: str, dpi: int) -> None:
    """Write a figure; the same figure gives the same SVG.

    Parameters
    ----------
    figure
        What is drawn.
    target
        Its suffix says the format.
    title, words
        What the file says of itself; in an SVG screen readers read them.
    dpi
        Of a format made of dots.

    Raises
    ------
    SettingsError
        The suffix names no format matplotlib writes, or the file cannot be written.
    """
    kinds = FigureCanvasBase.get_supported_filetypes()
    suffix = target.suffix.lower()
    if suffix.removeprefix(".") not in kinds:
        raise SettingsError(f"cannot draw {target.name}: name a file that ends in {', '.join(f'.{k}' for k in kinds)}")
    named: dict[str, dict[str, Any]] = {
        ".svg": {"Date": None, "Title": title, "Description": words},
        ".png": {"Title": title, "Description": words},
        ".pdf": {"Title": title, "Subject": words, "CreationDate": None},
    }
    written = io.BytesIO()
    figure.savefig(written, format=suffix.removeprefix("."), dpi=dpi, metadata=named.get(suffix))
    data = written.getvalue()
    if suffix == ".svg":
        # screen readers say what stands in <desc>; matplotlib writes the title alone
        data = data.replace(b"</title>", f"</title>\n <desc>{escape(words)}</desc>".encode(), 1)
    try:
        target.write_bytes(data)
    except OSError as error:
        raise SettingsError(f"cannot write {target}: {error.strerror}") from error
