"""Writing files so that a run killed at any moment leaves either the old file or the new one, whole."""

from __future__ import annotations

import os
import secrets
from pathlib import Path


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write a file beside its place and move it there in one step, replacing what stood there.

    Args:
        path: the file to write; its folder exists.
        content: text (written as UTF-8, line ends as given) or bytes.

    Raises:
        OSError: the folder is missing or cannot be written; nothing is left behind.

    Example:
        >>> import tempfile
        >>> target = Path(tempfile.mkdtemp()) / "table.csv"
        >>> write_atomically(target, "a,b")
        >>> target.read_text()
        'a,b'
    """
    data = content.encode("utf-8") if isinstance(content, str) else content
    beside = path.with_name(f".{path.name}.{secrets.token_hex(6)}.tmp")
    try:
        with open(beside, "xb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(beside, path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
