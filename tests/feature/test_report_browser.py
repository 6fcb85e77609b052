"""The page in a browser: it parses as meant, its first screen shows the picture, and it prints."""

from __future__ import annotations

import importlib.util
import re
import struct
import subprocess
import zlib
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from oreflow.report.document import ComparisonDocument
from oreflow.report.html import render_report

pytestmark = pytest.mark.browser
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--hide-scrollbars",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)
BLUE = (0, 114, 178)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    source = Path(__file__).parents[1] / "report" / "synthetic.py"
    spec = importlib.util.spec_from_file_location("oreflow_tests_synthetic_browser", source)
    if spec is None or spec.loader is None:
        raise ImportError(f"{source} cannot be loaded")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    document: ComparisonDocument = module.synthetic_document(256)
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(render_report(document), encoding="utf-8")
    return path


def _run(chromium: str, folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        [chromium, *FLAGS, f"--user-data-dir={folder / 'profile'}", *arguments],
        capture_output=True,
        timeout=90,
        check=True,
    )
    return done.stdout.decode("utf-8")


def _pixels(path: Path) -> NDArray[np.uint8]:
    """Decode an 8-bit RGB or RGBA PNG without interlacing into height x width x channels."""
    data = path.read_bytes()
    position, packed, width, channels = 8, b"", 0, 0
    while position < len(data):
        (size,) = struct.unpack(">I", data[position : position + 4])
        kind, body = data[position + 4 : position + 8], data[position + 8 : position + 8 + size]
        position += 12 + size
        if kind == b"IHDR":
            width, _, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", body)
            assert (depth, interlaced) == (8, 0)
            channels = {2: 3, 6: 4}[colour]
        elif kind == b"IDAT":
            packed += body
    raw = np.frombuffer(zlib.decompress(packed), np.uint8).reshape(-1, 1 + width * channels)
    out = np.zeros((len(raw), width * channels), np.int64)
    above = np.zeros(width * channels, np.int64)
    for y, (kind_of_filter, line) in enumerate(zip(raw[:, 0], raw[:, 1:].astype(np.int64), strict=True)):
        out[y] = above = _unfilter(int(kind_of_filter), line, above, channels)
    return out.astype(np.uint8).reshape(len(raw), width, channels)


def _unfilter(kind: int, line: NDArray[np.int64], above: NDArray[np.int64], step: int) -> NDArray[np.int64]:
    if kind == 0:
        return line
    if kind == 1:
        return np.cumsum(line.reshape(-1, step), axis=0).reshape(-1) % 256
    if kind == 2:
        return (line + above) % 256
    row, upper = line.tolist(), above.tolist()
    for at in range(len(row)):
        left, corner = (row[at - step], upper[at - step]) if at >= step else (0, 0)
        if kind == 3:
            guess = (left + upper[at]) // 2
        else:
            guess = min((left, upper[at], corner), key=lambda value: abs(left + upper[at] - corner - value))
        row[at] = (row[at] + guess) % 256
    return np.array(row, np.int64)


def test_the_browser_builds_the_page_that_was_written(chromium: str, page: Path, tmp_path: Path) -> None:
    dom = _run(chromium, tmp_path, "--dump-dom", page.as_uri())
    source = page.read_text(encoding="utf-8")
    for mark in ('class="num"', "<svg", "<tr", "<details", 'id="claim-', 'id="ind-'):
        assert dom.count(mark) == source.count(mark), mark
    assert dom.count("<script") == 0
    ids = set(re.findall(r'\bid="([^"]+)"', dom))
    assert set(re.findall(r'href="#([^"]+)"', dom)) <= ids


def test_the_first_screen_holds_the_sentences_and_the_picture(chromium: str, page: Path, tmp_path: Path) -> None:
    shot = tmp_path / "shot.png"
    _run(chromium, tmp_path, f"--screenshot={shot}", "--window-size=1280,900", page.as_uri())
    pixels = _pixels(shot)
    assert pixels.shape[:2] == (900, 1280)
    blue = np.all(np.abs(pixels[:, :, :3].astype(int) - BLUE) <= 3, axis=2)
    rows, columns = np.nonzero(blue)
    assert len(rows) > 3000, "bars of the waterfall"
    assert rows.min() > 250, "the sentences stand above the bars"
    assert columns.max() > 1000, "all four panels fit the width"
    text = np.all(pixels[:, :, :3] < 90, axis=2)
    assert text[60:420].sum() > 4000, "the five sentences"


def test_a_narrow_screen_is_not_wider_than_itself(chromium: str, page: Path, tmp_path: Path) -> None:
    shot = tmp_path / "narrow.png"
    _run(chromium, tmp_path, f"--screenshot={shot}", "--window-size=600,2400", page.as_uri())
    pixels = _pixels(shot)
    dark = np.all(pixels[:, :, :3] < 120, axis=2)
    assert dark[:, 24:576].any()
    assert not dark[:700, 590:].any(), "text runs over the right edge"


def test_the_page_prints(chromium: str, page: Path, tmp_path: Path) -> None:
    target = tmp_path / "report.pdf"
    _run(chromium, tmp_path, f"--print-to-pdf={target}", "--no-pdf-header-footer", page.as_uri())
    data = target.read_bytes()
    assert data.startswith(b"%PDF-")
    assert len(re.findall(rb"/Type\s*/Page\b", data)) >= 5, "the folded tables are printed too"
