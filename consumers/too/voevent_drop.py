"""Drops each request as a VOEvent 2.0 file into a folder that somebody else's software watches (H.E.S.S., CTAO style).

One file a revision, written aside and moved into place, so that a reader never sees half of one; the same revision
gives the same bytes under the same name. A later revision supersedes, a cancellation retracts the one before.

Who watches the folder may take files away. So what is not there any more is still retracted.
"""

import os
import re
from pathlib import Path
from typing import Any, Final, Literal

from lxml import etree
from pydantic import BaseModel, ConfigDict, Field

from nuncius.consumers.adapter import answer
from nuncius.consumers.too.naming import revision_in
from nuncius.consumers.too.voevent_too import too_voevent
from nuncius.schemas.errors import Retry, SettingsError
from nuncius.schemas.too import ToORequest, ToOStatus
from nuncius.schemas.vocabulary import RequestState

_NOT_IN_A_NAME: Final = re.compile(r"[^\w.-]", re.ASCII)


class VoEventDropSettings(BaseModel):
    """One folder."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["voevent"] = "voevent"
    name: str = Field(default="voevent", description="of the adapter, in statuses")
    folder: Path = Field(description="where files appear; it must be there")
    authority: str = Field(default="nuncius", description="of the identifiers, ivo://AUTHORITY/too#…")
    public: bool = Field(
        default=True, description="whether others read the folder; false where one facility alone fetches its files"
    )


class VoEventDrop:
    """An adapter for one folder.

    Raises
    ------
    SettingsError
        If there is no such folder.
    """

    real: Final = True

    def __init__(self, settings: VoEventDropSettings) -> None:
        self.name = settings.name
        self.public = settings.public
        self._settings = settings
        if not settings.folder.is_dir():
            raise SettingsError(f"{settings.name}: no such folder: {settings.folder}: make it first")

    def close(self) -> None:
        """Nothing is open."""

    def submit(self, request: ToORequest, standing: str) -> ToOStatus:
        """Write the request, unless a later revision lies there."""
        there = self._there(request, standing)
        newest = max(there, default=0)
        if newest > request.revision:
            return answer(request, "rejected", self.name, f"revision {newest} lies there already")
        before = max((one for one in there if one < request.revision), default=0)
        return self._write(request, "request", before, "accepted")

    def cancel(self, request: ToORequest, standing: str) -> ToOStatus:
        """Write a retraction of the last revision that was written; of this very one after a person's no.

        Where nobody knows of one it cites none: a file may have been fetched before its writing was noted.
        """
        before = max((one for one in self._there(request, standing) if one <= request.revision), default=0)
        return self._write(request, "cancel", before, "cancelled")

    def look(self, _request: ToORequest, _standing: str) -> None:
        """Nothing: a folder does not answer."""

    def _write(
        self, request: ToORequest, action: Literal["request", "cancel"], before: int, state: RequestState
    ) -> ToOStatus:
        packet = too_voevent(request, action, before, self._settings.authority)
        path = self._settings.folder / f"{_NOT_IN_A_NAME.sub('_', request.idempotency_key)}.{action}.xml"
        aside = path.with_suffix(".part")
        try:
            with aside.open("wb") as file:
                file.write(packet)
                file.flush()
                os.fsync(file.fileno())
            aside.replace(path)
        except OSError as error:
            raise Retry(f"{self.name}: {path} cannot be written: {error.strerror}") from None
        return answer(request, state, self.name, f"written to {path.name}", path.name)

    def _there(self, request: ToORequest, standing: str) -> set[int]:
        """Revisions of which a request was written: by what stands in the files, and by the name of the last one."""
        folder, about = self._settings.folder, _NOT_IN_A_NAME.sub("_", request.request_id)
        try:
            paths = [path for path in folder.iterdir() if path.match(f"{about}_*.request.xml")]
        except OSError as error:
            raise Retry(f"{self.name}: {folder} cannot be written to: {error.strerror}") from None
        keys = [_key(path) for path in paths]
        last = re.fullmatch(rf"{re.escape(about)}_(\d{{1,9}})\.request\.xml", standing, re.ASCII)
        known = {int(last[1])} if last else set()
        return known | {revision for key in keys if (revision := revision_in(key, request)) is not None}


def _key(path: Path) -> str:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root: Any = etree.fromstring(path.read_bytes(), parser)
    except (OSError, etree.XMLSyntaxError):
        return ""
    return str(root.xpath("string(What/Param[@name='idempotency_key']/@value)"))
