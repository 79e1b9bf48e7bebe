"""What a follow-up adapter is: the one seam between requests and telescopes."""

from typing import Protocol

from nuncius.schemas.too import ToORequest, ToOStatus
from nuncius.schemas.vocabulary import RequestState


class Adapter(Protocol):
    """Asks one facility, or stands in for one.

    Calls may block, up to the adapter's own timeout, and come from one thread at a time. The same request may come
    again with the same ``idempotency_key`` after a crash or a lost answer; the facility must end up asked once, so the
    adapter hands the key on. An adapter never decides whether a request may go out: `nuncius.consumers.gate` has.
    """

    @property
    def name(self) -> str:
        """Short and stable: it stands in every status and tells the adapters' histories apart."""
        ...

    @property
    def real(self) -> bool:
        """Whether anything outside may move because of a call. Only ``real`` and ``live`` requests reach such a one."""
        ...

    def submit(self, request: ToORequest) -> ToOStatus:
        """Ask for the observation; a later revision replaces an earlier one of the same ``request_id``.

        Returns
        -------
        ToOStatus
            ``accepted``, ``rejected`` (final, ``detail`` says why) or ``recorded``.

        Raises
        ------
        Retry
            If the outcome is unknown or the facility cannot answer now. Nothing else is raised on purpose.
        """
        ...

    def cancel(self, request: ToORequest) -> ToOStatus:
        """Take back whatever was asked under this ``request_id``; ``request`` is the revision that takes it back.

        To take back what the facility does not know, or no longer, is a success.

        Returns
        -------
        ToOStatus
            ``cancelled``, ``rejected`` (the facility will not; a person must act) or ``recorded``.

        Raises
        ------
        Retry
            As `submit`.
        """
        ...


def answer(request: ToORequest, state: RequestState, adapter: str, detail: str = "") -> ToOStatus:
    """The status that says what became of one revision."""
    return ToOStatus(
        request_id=request.request_id,
        revision=request.revision,
        state=state,
        facility=request.facility,
        adapter=adapter,
        detail=detail,
        idempotency_key=request.idempotency_key,
    )
