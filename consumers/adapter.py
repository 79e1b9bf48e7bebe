"""What a follow-up adapter is: the one seam between requests and telescopes."""

from typing import Protocol, runtime_checkable

from nuncius.schemas.too import ToORequest, ToOStatus
from nuncius.schemas.vocabulary import RequestState


class Adapter(Protocol):
    """Asks one facility, or stands in for one.

    Calls may block. One that takes long is left behind in its thread (`nuncius.consumers.calls`), and calls about other
    requests are made meanwhile: what they share must bear that. The same request may come again with the same
    ``idempotency_key`` after a crash or a lost answer; the facility must end up asked once, so the adapter hands the
    key on. An adapter never decides whether a request may go out: `nuncius.broker.planning.gate` has.
    """

    @property
    def name(self) -> str:
        """Short and stable: it stands in every status and tells the adapters' histories apart."""
        ...

    @property
    def real(self) -> bool:
        """Whether anything outside may move because of a call. Only ``real`` and ``live`` requests reach such a one."""
        ...

    @property
    def public(self) -> bool:
        """Whether others can read what is asked. Requests for the team only never reach such a one."""
        ...

    def submit(self, request: ToORequest, standing: str, /) -> ToOStatus:
        """Ask for the observation; a later revision replaces an earlier one of the same ``request_id``.

        Parameters
        ----------
        request
            The revision to ask for.
        standing
            The facility's name (``reference``) of an earlier revision that may stand there; empty where none is known.

        Returns
        -------
        ToOStatus
            ``accepted`` with the facility's ``reference``, ``rejected`` (final, ``detail`` says why) or ``recorded``;
            of a revision that cannot stand there, what became of the one that stood: ``cancelled``, ``not_cancelled``.

        Raises
        ------
        Retry
            If the outcome is unknown or the facility cannot answer now. Nothing else is raised on purpose.
        """
        ...

    def cancel(self, request: ToORequest, standing: str, /) -> ToOStatus:
        """Take back whatever was asked under this ``request_id``; ``request`` is the revision that takes it back.

        To take back what the facility does not know, or no longer, is a success. ``standing`` as in `submit`; where
        it is empty the facility may have accepted and the answer was lost.

        Returns
        -------
        ToOStatus
            ``cancelled``, ``not_cancelled`` (the facility will not; a person must act) or ``recorded``.

        Raises
        ------
        Retry
            As `submit`.
        """
        ...

    def look(self, request: ToORequest, standing: str, /) -> ToOStatus | None:
        """What the facility now says of what it accepted; None where there is nothing to be learnt from it.

        Returns
        -------
        ToOStatus or None
            ``accepted``, ``scheduled``, ``observed``, ``expired``, ``rejected`` or ``cancelled`` (by the facility).

        Raises
        ------
        Retry
            As `submit`.
        """
        ...


@runtime_checkable
class Unsure(Protocol):
    """What an adapter also has whose facility takes no key, and cannot be asked what it has begun."""

    def unsure(self, request: ToORequest, standing: str, /) -> ToOStatus:
        """Called for `Adapter.submit` where a call of before, of this revision or an earlier, may have done something.

        By the log, after a crash too. Unless the adapter knows that nothing was done, nothing is asked, and the status
        says that it is not known. Parameters, answers and errors as `Adapter.submit`.
        """
        ...


def answer(request: ToORequest, state: RequestState, adapter: str, detail: str = "", reference: str = "") -> ToOStatus:
    """The status that says what became of one revision."""
    return ToOStatus(
        request_id=request.request_id,
        revision=request.revision,
        state=state,
        facility=request.facility,
        adapter=adapter,
        detail=detail,
        idempotency_key=request.idempotency_key,
        reference=reference,
    )
