"""Triggers a target of opportunity at Gemini by the web service of its observing database.

A template that stands on hold in the Observing Tool is copied, pointed at the target and set ready, all by one call. It
takes no key, and nothing tells later what stands there: the key is the title of the copy's note, for people. So a
request is asked for once; where its answer is lost, in a crash too (`Unsure`), that is said, and a person must look.
What was triggered can neither be changed nor taken back from here. The credentials are parameters of the call. Facts:
gemini-hlsw/ocs, ``edu.gemini.oodb.too.url`` (``TooUpdateServlet``, ``TooUpdateServiceImpl``).

Programs of the new Gemini Program Platform (Explore) are not triggered by this: see ``docs/telescopes.md``.
"""

import re
from typing import Final

from pydantic import SecretStr

from nuncius.consumers.too.door import Allowance, Answer, Door, Untouched
from nuncius.consumers.too.gemini_trigger import GeminiSettings, trigger, unfit
from nuncius.consumers.too.once import Once
from nuncius.schemas.errors import Retry
from nuncius.schemas.too import ToORequest, ToOStatus

_ALLOWANCE: Final = Allowance(calls=10, within_s=60.0)
"""Ours; none is published."""
_CALL: Final = "look in the Observing Tool, and ring Gemini"
_TAG: Final = re.compile(r"<[^>]*>")


class Gemini:
    """An adapter for one program. Close it when done.

    Parameters
    ----------
    settings
        Whose program, and which templates.
    password
        Of the user key.
    """

    real: Final = True
    public: Final = False

    def __init__(self, settings: GeminiSettings, password: SecretStr, allowance: Allowance = _ALLOWANCE) -> None:
        self.name = settings.name
        self._settings = settings
        self._password = password
        self._once = Once()
        self._door = Door(
            settings.name,
            settings.portal,
            allowed_hosts=settings.allowed_hosts,
            allowance=allowance,
            secrets=(password.get_secret_value(),),
            timeout_s=settings.timeout_s,
            ca_file=settings.ca_file,
        )

    def close(self) -> None:
        """Close the connection."""
        self._door.close()

    def submit(self, request: ToORequest, standing: str) -> ToOStatus:
        """Trigger, once at most."""
        nowhere = self._once.unplaced(self, request, standing)
        if nowhere is not None:
            return nowhere
        if self._once.may_stand(request, standing):
            return self._not_again(request, standing)
        why = unfit(request, self._settings)
        return self._door.status(request, "rejected", why) if why else self._trigger(request)

    def unsure(self, request: ToORequest, standing: str) -> ToOStatus:
        """As `submit` where the call that got no answer certainly did nothing; else nothing is asked."""
        self._once.doubt(request)
        return self.submit(request, standing)

    def cancel(self, request: ToORequest, standing: str) -> ToOStatus:
        """For a person, unless certainly nothing stands there."""
        if not standing and self._once.is_clear(request):
            return self._door.status(request, "cancelled", "nothing of it is there")
        name = self._once.reference(request, standing)
        what = f"{name} was triggered" if name else "whether it was triggered is not known"
        return self._door.status(request, "not_cancelled", f"{what}, and cannot be taken back from here: {_CALL}", name)

    def look(self, _request: ToORequest, _standing: str) -> None:
        """Nothing: the service answers a trigger, and nothing else."""

    def _not_again(self, request: ToORequest, standing: str) -> ToOStatus:
        said = self._once.said(request)
        if said is not None and said.revision == request.revision:
            return said
        name = self._once.reference(request, standing)
        why = (
            f"{name} stands there, and cannot be changed from here" if name else "whether it stands there is not known"
        )
        return self._door.status(request, "rejected", f"{why}: {_CALL}", name)

    def _trigger(self, request: ToORequest) -> ToOStatus:
        query = trigger(request, self._settings) | {"password": self._password.get_secret_value()}
        self._once.goes_out(request)
        try:
            told = self._door.ask("POST", "/too", query=query)
        except Untouched:
            self._once.clear(request)
            raise
        if not told.good:
            self._once.clear(request)
            return self._door.status(request, "rejected", f"{told.code}: {_TAG.sub(' ', told.words)}")
        name = self._observation(told)
        end = "triggered" if self._settings.ready else "on hold: set it ready in the Observing Tool"
        status = self._door.status(request, "accepted", f"observation {name}: {end}", name)
        self._once.stands(request, status)
        return status

    def _observation(self, told: Answer) -> str:
        """The name of the copy, which is all that the service answers."""
        found = re.fullmatch(rf"{re.escape(self._settings.program)}-\d+", told.words.strip())
        if found is None:
            raise Retry(f"{self.name}: an answer ({told.code}) that names no observation: {told.words}")
        return found[0]
