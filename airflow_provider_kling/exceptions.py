"""Everything that can go wrong, drawn as a tree.

.. code-block:: text

    KlingError                            every error of this package
    ├── KlingConfigurationError        !  the connection is incomplete or contradicts itself
    ├── KlingValidationError           !  a bad request, found before a credit was spent
    ├── KlingApiError                     Kling answered with an error code
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
    ├── KlingConnectionError           ~  no answer: timeout, cut connection, DNS, TLS
    ├── KlingResponseError             ~  an answer that is not Kling's: HTML, empty, cut; not ~ with an unknown status
    ├── KlingSubmissionInDoubtError    ~  sent, but neither found nor refused; a retry looks again
    ├── KlingTaskFailedError           ~  Kling accepted the task and then reported it failed
    ├── KlingTimeoutError              ~  our wait ended; the task still runs and is still billed
    ├── KlingResultError               ~  a finished task whose result is missing, unreadable or not what was asked
    └── KlingBatchError                ~  items of a batch have no video yet
        └── KlingBatchFailedError      !  and another try would meet the same

``!`` is permanent: the class is an :class:`AirflowFailException`, so Airflow fails the task at once, without retries.
``~`` is transient (:attr:`KlingError.transient`): retries are left to Airflow, and a retry never pays twice.

Codes, HTTP statuses and advice: error-code page of https://kling.ai/document-api (General Info), read 2026-11.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from airflow_provider_kling._airflow.compat import AirflowException, AirflowFailException

if TYPE_CHECKING:
    from collections.abc import Sequence


class KlingError(AirflowException):
    """
    Every error of this package.

    :param message: one sentence: what happened and what to do.
    :param kling_task_id: the task that it happened to, once Kling has given it an id.
    """

    #: Whether the same call can succeed later. The one answer to "again?".
    transient = False

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
        count = "1 problem" if len(self.problems) == 1 else f"{len(self.problems)} problems"
        lines = "".join(f"\n- {problem}" for problem in self.problems)
        super().__init__(f"The request was not sent, nothing was paid: {count}.{lines}")


class KlingApiError(KlingError):
    """
    Kling answered with an error code.

    :param code: Kling's service code, for example 1303.
    :param kling_message: Kling's own words.
    :param http_status: status of the HTTP answer; not a judge, 429 has seven meanings.
    :param request_id: Kling's support handle.
    :param advice: what to do about it.
    """

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
        self.kling_message = kling_message
        self.http_status = http_status
        self.request_id = request_id
        details = f"code {code}, HTTP {http_status}, request_id {request_id or 'none'}"
        sentence = f"Kling refused: {kling_message or 'no message'} ({details}). {advice}"
        super().__init__(sentence.strip(), kling_task_id=kling_task_id)


class KlingAuthenticationError(KlingApiError, AirflowFailException):
    """The credential is missing, wrong, of the other region, or signed with a wrong clock (1000 to 1004)."""


class KlingAccountError(KlingApiError, AirflowFailException):
    """The account cannot pay or may not use this (1100 to 1103); HTTP 429 here is not a rate limit."""


class KlingRequestError(KlingApiError, AirflowFailException):
    """Kling refused the request as it stands (1200 to 1203, and codes that are not in the table)."""


class KlingTaskNotFoundError(KlingRequestError):
    """No task of this account and product has this id (a 1201 that only its text tells apart)."""


class KlingDuplicateTaskError(KlingRequestError):
    """The ``external_task_id`` belongs to a task that exists already (a 1201 that only its text tells apart)."""


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
    """No answer came: timeout, cut connection, DNS or TLS failure."""

    transient = True


class KlingResponseError(KlingError):
    """
    An answer came that is not Kling's: HTML, empty, cut, or with an unknown status.

    :param message: what was wrong with it.
    :param http_status: status of the HTTP answer.
    :param transient: whether another answer may be better; default: unless the status is 4xx, as when a relay lacks
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


class KlingTaskFailedError(KlingError):
    """Kling accepted the task and then reported it failed; failed tasks are not charged."""

    transient = True


class KlingTimeoutError(KlingError):
    """The wait ended before the task did: it still runs and is still billed; a retry re-attaches to it."""

    transient = True


class KlingResultError(KlingError):
    """A finished task whose result is missing, cannot be fetched, or is not what was asked."""

    transient = True


class KlingBatchError(KlingError):
    """Items of a batch have no video, and another try of the Airflow task can bring them."""

    transient = True


class KlingBatchFailedError(KlingBatchError, AirflowFailException):
    """Items of a batch have no video, and another try would meet the same."""

    transient = False


class CodeRow(NamedTuple):
    """What one service code means: the error class it becomes, and what to do."""

    error: type[KlingApiError]
    advice: str


#: Kling's service codes. Judged by code, never by HTTP status: 1100 to 1102 and 1304 are 429 too.
KLING_CODES: dict[int, CodeRow] = {
    1000: CodeRow(KlingAuthenticationError, "Check the credential in the Airflow connection."),
    1001: CodeRow(KlingAuthenticationError, "No credential arrived: check login and password of the connection."),
    1002: CodeRow(
        KlingAuthenticationError,
        "Check the credential, and its region: a key of api-singapore.klingai.com is unknown to "
        "api-beijing.klingai.com and the other way round (set the connection's host).",
    ),
    1003: CodeRow(KlingAuthenticationError, "The token is not valid yet: check this machine's clock."),
    1004: CodeRow(KlingAuthenticationError, "The token has expired: check this machine's clock."),
    1100: CodeRow(KlingAccountError, "Check the account in Kling's console."),
    1101: CodeRow(KlingAccountError, "The account is in arrears: top it up."),
    1102: CodeRow(KlingAccountError, "The resource pack is used up or expired: buy one, or open post-paid billing."),
    1103: CodeRow(KlingAccountError, "The account is not entitled to this API or model."),
    1200: CodeRow(KlingRequestError, "Check the request."),
    1201: CodeRow(KlingRequestError, "Kling's message names the field and the values that it takes."),
    1202: CodeRow(KlingRequestError, "Check the connection's host: this path or method does not exist there."),
    1203: CodeRow(KlingRequestError, "Check model_name: the resource does not exist."),
    1300: CodeRow(KlingContentPolicyError, "Change the prompt or the image."),
    1301: CodeRow(KlingContentPolicyError, "Change the prompt or the image."),
    1302: CodeRow(KlingRateLimitError, "No task was created; wait and send again."),
    1303: CodeRow(
        KlingConcurrencyError, "No task was created; wait until a running task ends, or use an Airflow pool."
    ),
    1304: CodeRow(KlingIpPolicyError, "Ask Kling's support to admit this IP address."),
    5000: CodeRow(KlingServerError, "Try again later."),
    5001: CodeRow(KlingServerError, "Kling is under maintenance; try again later."),
    5002: CodeRow(KlingServerError, "Kling is overloaded; try again later."),
}
