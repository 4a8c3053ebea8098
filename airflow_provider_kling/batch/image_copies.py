"""Copies of images that the triggerer cannot read where they stand, in the folder of a batch's plan."""

from __future__ import annotations

import hashlib
from typing import Any

from airflow_provider_kling.batch import files

#: The folder of the copies, in that of the plan.
FOLDER = "images"


class ImageCopies:
    """
    The images of one plan: each content once, under its sha256.

    :param work_uri: folder of the plan, ending with a slash.
    :param conn_id: Airflow connection of that folder.
    """

    def __init__(self, work_uri: str, conn_id: str | None) -> None:
        self._folder = f"{work_uri}{FOLDER}/"
        self._work_uri = work_uri
        self._conn_id = conn_id
        self._known: set[str] = set()
        self._written: list[str] = []
        self._is_refused = False

    def refuse(self) -> None:
        """Write no more: the plan is refused, and what is checked from now on is not used."""
        self._is_refused = True

    def store(self, content: bytes) -> dict[str, Any]:
        """
        Store an image, unless it is there already.

        :param content: of the image.
        :return: where it stands, as a plan says it.
        :raises KlingStorageError: when the storage refuses.
        """
        digest = hashlib.sha256(content).hexdigest()
        uri = f"{self._folder}{digest}"
        # The storage is asked once for each image, not once for each item that uses it.
        if not self._is_refused and digest not in self._known:
            if not files.exists(uri, self._conn_id):
                self._written.append(uri)
                files.write_bytes(uri, content, self._conn_id)
            self._known.add(digest)
        return {"uri": uri, "sha256": digest, "conn_id": self._conn_id}

    def discard(self) -> None:
        """Delete what this plan has written; what stood there before belongs to an earlier try, which may run on."""
        if self._written:
            files.discard(self._written, (self._folder, self._work_uri), self._conn_id)
