"""A comparison document as a small file: JSON, packed with gzip, the same bytes for the same document."""

from __future__ import annotations

import gzip
import io
import json
import zlib
from pathlib import Path

from oreflow.report.document import ComparisonDocument, DocumentError

REFERENCE = "reference-run.json.gz"
"""Name of the run that ships with a bundled case, in the case's folder."""

SIZE_LIMIT = 128 * 1024 * 1024
"""Unpacked size that is read at most, bytes."""


def pack_document(document: ComparisonDocument) -> bytes:
    """Return a document as packed JSON.

    Args:
        document: the comparison.

    Returns:
        Bytes that `unpack_document` reads; they hold no time, so the same document gives the same bytes.

    Raises:
        DocumentError: a number is not finite.
    """
    text = json.dumps(document.to_dict(), allow_nan=False, separators=(",", ":"))
    return gzip.compress(text.encode("utf-8"), compresslevel=9, mtime=0)


def unpack_document(data: bytes) -> ComparisonDocument:
    """Read a document from packed or plain JSON.

    Args:
        data: what `pack_document` gives, or the same JSON as UTF-8 text.

    Returns:
        The document.

    Raises:
        DocumentError: no such JSON, more than `SIZE_LIMIT` when unpacked, or not a comparison document.

    Example:
        >>> unpack_document(pack_document(document)) == document  # doctest: +SKIP
        True
    """
    try:
        if data.startswith(b"\x1f\x8b"):
            with gzip.open(io.BytesIO(data)) as stream:
                data = stream.read(SIZE_LIMIT + 1)
        if len(data) > SIZE_LIMIT:
            raise DocumentError(f"found more than {SIZE_LIMIT:,} bytes of JSON; expected a comparison document")
        plain = json.loads(data.decode("utf-8"))
    except (ValueError, EOFError, OSError, RecursionError, zlib.error) as error:
        raise DocumentError(f"found no JSON of a comparison ({error}); expected a file of `oreflow compare`") from error
    return ComparisonDocument.from_dict(plain)


def read_document(path: Path) -> ComparisonDocument:
    """Read a document from a file.

    Args:
        path: a file of `pack_document`, or a folder that holds one under the name `REFERENCE`.

    Returns:
        The document.

    Raises:
        DocumentError: the file is missing, or is no comparison document; the message names it.
    """
    path = path / REFERENCE if path.is_dir() else path
    if not path.is_file():
        raise DocumentError(f"{path}: no such run; `oreflow compare CASE` makes one")
    try:
        return unpack_document(path.read_bytes())
    except DocumentError as error:
        raise DocumentError(f"{path}: {error}") from error
