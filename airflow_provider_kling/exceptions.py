"""Everything that can go wrong, drawn as a tree.

.. code-block:: text

    KlingError                            every error of this package
    ├── KlingConfigurationError        !  the connection is incomplete or contradicts itself
    ├── KlingValidationError           !  a bad request, found before a credit was spent
    ├── KlingBudgetError               !  the Dag run would cost more than its cap; nothing was sent
    ├── KlingCallbackError             !  a callback that is not Kling's, or that cannot be read
    ├── KlingApiError                     Kling responded with an error code
    │   ├── KlingAuthenticationError   !  1000 to 1004
    │   ├── KlingAccountError          !  1100 to 1103: account, balance, permission
    │   ├── KlingRequestError          !  1200 to 1203: Kling refused the request
    │   │   ├── KlingTaskNotFoundError !  1201: no task with this id
    │   │   └── KlingDuplicateTaskError!  1201: the external_task_id is taken
    │   ├── KlingContentPolicyError    !  1300, 1301, or a task that moderation stopped
    │   ├── KlingIpPolicyError         !  1304
    │   ├── KlingThrottledError        ~  a wait, not a failure
    │   │   ├── KlingRateLimitError    ~  1302
    │   │   └── KlingConcurrencyError  ~  1303: no free slot in the resource pack
    │   └── KlingServerError           ~  5000 to 5002
    ├── KlingConnectionError           ~  no response: timeout, cut connection, DNS, TLS
    ├── KlingResponseError             ~  a response that cannot be read: HTML, empty, cut, an unknown status
    ├── KlingSubmissionInDoubtError    ~  sent, but neither found nor refused; a retry looks again
    │   └── KlingAnswerLostError       !  and Kling has no id to look it up by
    ├── KlingTaskFailedError           ~  Kling accepted the task and then reported it failed
    ├── KlingTimeoutError              ~  our wait ended; the task still runs and is still billed
    ├── KlingResultError               ~  a finished task whose result is missing, unreadable or not what was asked
    │   └── KlingResultExpiredError    !  Kling has deleted the result: 30 days have passed
    ├── KlingStorageError              ~  a result or file could not be written to, or read from, your storage
    └── KlingBatchError                ~  items of a batch have no video yet
        └── KlingBatchFailedError      !  and another try would meet the same

``!`` is permanent: the class is an :class:`AirflowFailException`, so Airflow fails the task at once, without retries.
``~`` is transient (:attr:`KlingError.transient`): retries are left to Airflow, and a retry never pays twice.

A message begins with what to do, short enough for a log that cuts its lines; then it says what happened. Code, HTTP
status and ``request_id``, as far as there are any, stand on the next line.

Codes, HTTP statuses and advice: error-code page of https://kling.ai/document-api (General Info), read 2026-11.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, NamedTuple

from airflow_provider_kling.utils._airflow.compat import AirflowException, AirflowFailException
from airflow_provider_kling.utils.untrusted import clean_text

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Characters of a line that Airflow's log shows without scrolling; the advice of every message fits in it.
ADVICE_CHARACTERS = 75

#: The longest support handle that is repeated; Kling's have 36 characters.
REQUEST_ID_CHARACTERS = 64


def error_details(
    *, kling_task_id: str | None = None, code: int | None = None, http_status: int = 0, request_id: str = ""
) -> str:
    """
    Return the last line of a message, with its line break: the ids and codes that Kling's support asks for.

    :param kling_task_id: Kling's id of the task.
    :param code: Kling's service code.
    :param http_status: status of the HTTP response; 0 when there was none.
    :param request_id: Kling's support handle.
    """
    known = {"task": kling_task_id, "code": code, "HTTP": http_status or None, "request_id": request_id}
    parts = [f"{name} {value}" for name, value in known.items() if value not in (None, "")]
    return "\n" + ", ".join(parts) if parts else ""


def quoted(words: str, speaker: str = "Kling") -> str:
    """
    Return a quotation as the end of a message.

    :param words: what was said.
    :param speaker: who said it.
    """
    if not words:
        return f" {speaker} gives no reason."
    return f" {speaker} says: {words}" + ("" if words.endswith((".", "!", "?", "…")) else ".")


class KlingError(AirflowException):
    """
    Every error of this package.

    :param message: what to do, in one short sentence; then what happened.
    :param kling_task_id: the task that it happened to, once Kling has given it an id.
    """

    #: Whether the same call can succeed later; nothing else decides about a retry.
    transient = False

    #: Whether the call certainly created no task; otherwise the task has to be looked up before another POST.
    refused_for_sure = False

    def __init__(self, message: str, *, kling_task_id: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.kling_task_id = kling_task_id


class KlingConfigurationError(KlingError, AirflowFailException):
    """The Airflow connection is incomplete or contradicts itself."""


class KlingValidationError(KlingError, AirflowFailException, ValueError):
    """
    A request that Kling would refuse, or bill for something else than was meant; nothing was sent.

    :param problems: one sentence for each problem, all of them at once.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        count = "this problem" if len(self.problems) == 1 else f"these {len(self.problems)} problems"
        lines = "".join(f"\n- {problem}" for problem in self.problems)
        super().__init__(f"Nothing was paid: correct {count} of the request.{lines}")


class KlingBudgetError(KlingError, AirflowFailException):
    """A request that would cost more than a cap allows, or of which nobody knows what it costs; nothing was sent."""


class KlingCallbackError(KlingError, AirflowFailException):
    """A callback that is not signed by Kling, or is about no task; whoever receives it returns HTTP 400 or 401."""


class KlingApiError(KlingError):
    """
    Kling responded with an error code.

    :param code: Kling's service code, for example 1303.
    :param kling_message: Kling's own words.
    :param http_status: status of the HTTP response; it alone decides nothing, 429 has seven meanings.
    :param request_id: Kling's support handle.
    :param advice: what to do about it, a short sentence; default is what the class or :data:`KLING_CODES` says.
    """

    #: What to do, for a class that stands for one meaning of a code.
    class_advice: ClassVar[str] = ""

    def __init__(
        self,
        code: int | None,
        kling_message: str,
        *,
        http_status: int = 0,
        request_id: str = "",
        advice: str = "",
        kling_task_id: str | None = None,
    ) -> None:
        self.code = code
        self.kling_message = clean_text(kling_message)
        self.http_status = http_status
        self.request_id = clean_text(request_id, REQUEST_ID_CHARACTERS)
        row = KLING_CODES.get(code) if code is not None else None
        more = f" {row.more}" if row and row.more else ""
        advice = advice or self.class_advice or (row.advice if row else UNKNOWN_CODE_ADVICE)
        known = error_details(
            kling_task_id=kling_task_id, code=code, http_status=http_status, request_id=self.request_id
        )
        super().__init__(f"{advice}{quoted(self.kling_message)}{more}{known}", kling_task_id=kling_task_id)

    @property
    def refused_for_sure(self) -> bool:  # type: ignore[override]
        """
        Whether Kling refused the call and created nothing: a code of its table below 5000 (measured 2026-09).

        Relays wrap their own codes around tasks that were created.
        """
        return self.code in KLING_CODES and self.code < SERVER_CODES


class KlingAuthenticationError(KlingApiError, AirflowFailException):
    """The credential is missing, wrong, of the other region, or signed with a wrong clock (1000 to 1004)."""


class KlingAccountError(KlingApiError, AirflowFailException):
    """The account cannot pay or may not use this (1100 to 1103); HTTP 429 here is not a rate limit."""


class KlingRequestError(KlingApiError, AirflowFailException):
    """Kling refused the request as it stands (1200 to 1203, and codes that are not in the table)."""


class KlingTaskNotFoundError(KlingRequestError):
    """No task of this account and product has this id (a 1201 that only its text tells apart)."""

    class_advice = "Check the task's id and the connection: its account has no such task."


class KlingDuplicateTaskError(KlingRequestError):
    """The ``external_task_id`` belongs to a task that exists already (a 1201 that only its text tells apart)."""

    class_advice = "Use another external_task_id: a task has this one already."


class KlingContentPolicyError(KlingApiError, AirflowFailException):
    """The prompt or an image broke a content policy, at submission (1300, 1301) or in moderation afterwards."""


class KlingIpPolicyError(KlingApiError, AirflowFailException):
    """The platform's IP allow-list refused the caller (1304); HTTP 429 here is not a rate limit."""


class KlingThrottledError(KlingApiError):
    """Kling has no room now; no task was created, nothing was paid."""

    transient = True


class KlingRateLimitError(KlingThrottledError):
    """Requests come too fast (1302)."""


class KlingConcurrencyError(KlingThrottledError):
    """Every slot of the resource pack is taken (1303)."""


class KlingServerError(KlingApiError):
    """Kling's side failed (5000 to 5002, or any HTTP 5xx with an unknown code)."""

    transient = True


class KlingConnectionError(KlingError):
    """
    No response came: timeout, cut connection, DNS or TLS failure.

    :param message: what happened and what to do.
    :param nothing_sent: whether it is certain that no byte of the request left this machine, because no connection was
        made; such a request created nothing.
    """

    transient = True

    def __init__(self, message: str, *, kling_task_id: str | None = None, nothing_sent: bool = False) -> None:
        super().__init__(message, kling_task_id=kling_task_id)
        self.nothing_sent = nothing_sent


class KlingResponseError(KlingError):
    """
    A response came that cannot be read: HTML, empty, cut, of another shape, or with an unknown status.

    :param message: what to do, and what was wrong with the response.
    :param http_status: status of the HTTP response.
    :param transient: whether another response may be better; default: unless the status is 4xx, as when a relay lacks
        this route.
    """

    def __init__(
        self, message: str, *, http_status: int = 0, kling_task_id: str | None = None, transient: bool | None = None
    ) -> None:
        super().__init__(message, kling_task_id=kling_task_id)
        self.http_status = http_status
        refused = 400 <= http_status < 500 and http_status not in (408, 429)
        self.transient = not refused if transient is None else transient


class KlingSubmissionInDoubtError(KlingError):
    """A submission was sent and neither confirmed, found nor refused; a retry looks it up before it sends."""

    transient = True


class KlingAnswerLostError(KlingSubmissionInDoubtError, AirflowFailException):
    """A submission was sent, its response is lost, and the product has no id by which it could be looked up."""

    transient = False


class KlingTaskFailedError(KlingError):
    """Kling accepted the task and then reported it failed; failed tasks are not charged."""

    transient = True


class KlingTimeoutError(KlingError):
    """The wait ended before the task did: it still runs and is still billed; a retry re-attaches to it."""

    transient = True


class KlingResultError(KlingError):
    """
    A finished task whose result is missing, cannot be downloaded, or is not what was asked for.

    :ivar interrupted: whether the download broke off, so that another try at once may succeed.
    """

    transient = True
    interrupted = False


class KlingResultExpiredError(KlingResultError, AirflowFailException):
    """Kling has deleted the result of a finished task: its links die 30 days after the task ended."""

    transient = False


class KlingNoFaceError(KlingError, AirflowFailException):
    """A lip sync of a video in which Kling has found no face; the search was charged, the lip sync was not sent."""

    transient = False


class KlingStorageError(KlingError):
    """
    Storage that is yours, not Kling's, could not be written or read.

    Always transient: the storage may return, and somebody can correct a permission or a bucket while Kling still has
    the video.
    """

    transient = True


class KlingBatchError(KlingError):
    """Items of a batch have no video, and another try of the Airflow task can bring them."""

    transient = True


class KlingBatchFailedError(KlingBatchError, AirflowFailException):
    """Items of a batch have no video, and another try would fail in the same way."""

    transient = False


class CodeRow(NamedTuple):
    """
    What one service code means.

    :param error: the error class that it becomes.
    :param advice: what to do, complete within :data:`ADVICE_CHARACTERS`.
    :param more: what else helps.
    """

    error: type[KlingApiError]
    advice: str
    more: str = ""


#: The first code for a failure of Kling's server, after which it is not known whether a task was created.
SERVER_CODES = 5000

#: Advice for a code that is not in Kling's table.
UNKNOWN_CODE_ADVICE = "Look at the message and the connection's host: the code is not Kling's."

#: Kling's service codes. Judged by code, never by HTTP status: 1100 to 1102 and 1304 are 429 too.
KLING_CODES: dict[int, CodeRow] = {
    1000: CodeRow(KlingAuthenticationError, "Check the credential in the Airflow connection."),
    1001: CodeRow(KlingAuthenticationError, "Check login and password of the connection: no credential arrived."),
    1002: CodeRow(
        KlingAuthenticationError,
        "Check the credential, and that the connection's host is of its region.",
        "A key of api-singapore.klingai.com is unknown to api-beijing.klingai.com and the other way round.",
    ),
    1003: CodeRow(KlingAuthenticationError, "Check this machine's clock: the token is not valid yet."),
    1004: CodeRow(KlingAuthenticationError, "Check this machine's clock: the token has expired."),
    1100: CodeRow(KlingAccountError, "Check the account in Kling's console."),
    1101: CodeRow(KlingAccountError, "Top up the account: it is in arrears."),
    1102: CodeRow(
        KlingAccountError, "Buy units: the resource pack is used up or expired.", "Post-paid billing helps too."
    ),
    1103: CodeRow(KlingAccountError, "Ask Kling to admit the account: it may not use this API or model."),
    1200: CodeRow(KlingRequestError, "Correct the request."),
    1201: CodeRow(KlingRequestError, "Correct the field that Kling's message names."),
    1202: CodeRow(KlingRequestError, "Check the connection's host: it has no such path or method."),
    1203: CodeRow(KlingRequestError, "Check model_name: the resource does not exist."),
    1300: CodeRow(KlingContentPolicyError, "Change the prompt or the image."),
    1301: CodeRow(KlingContentPolicyError, "Change the prompt or the image."),
    1302: CodeRow(KlingRateLimitError, "Wait and send again: requests come too fast.", "No task was created."),
    1303: CodeRow(
        KlingConcurrencyError,
        "Wait until a running task ends, or use an Airflow pool: no slot is free.",
        "No task was created.",
    ),
    1304: CodeRow(KlingIpPolicyError, "Ask Kling's support to admit this IP address."),
    5000: CodeRow(KlingServerError, "Try again later: Kling's server failed."),
    5001: CodeRow(KlingServerError, "Try again later: Kling is under maintenance."),
    5002: CodeRow(KlingServerError, "Try again later: Kling is overloaded."),
}
