"""What a failure says to who looks at a page, and the ids at its end, which have a place of their own there. Pure."""

from __future__ import annotations

import re

#: The last line of a message, as :func:`~airflow_provider_kling.exceptions.error_details` writes it. An XCom holds the
#: message as one line, so it is known by what comes before it, the end of a sentence.
_DETAIL = r"(?:task|code|HTTP|request_id) [\w-]+"
_DETAILS = re.compile(rf"(?<=[.!?…]) {_DETAIL}(?:, {_DETAIL})*$")


def split_details(message: str) -> tuple[str, dict[str, str]]:
    """
    Return the sentences of a message, and the ids and codes that it ends with by their names.

    >>> split_details("Top up the account. Kling says: Empty. task 17, code 1102")
    ('Top up the account. Kling says: Empty.', {'task': '17', 'code': '1102'})

    :param message: of an error, as one line.
    """
    found = _DETAILS.search(message)
    if not found:
        return message, {}
    return message[: found.start()], dict(re.findall(r"(\w+) ([\w-]+)", found[0]))
