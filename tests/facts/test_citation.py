"""Citations: the three formats, escaping, partial dates."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oreflow.core.errors import UsageError
from oreflow.facts.citation import FORMATS, cite
from oreflow.facts.claim import Source

FULL = Source(
    "USGS-MCS24", "U.S. Geological Survey", "Rare earths & {magnets} 50%", "2024-01-31", "https://pubs.usgs.gov/x_y",
    "10.3133/mcs2024", "2026-11-23", "public domain", "",
)  # fmt: skip
BARE = Source("own", "", "Judgement", "undated", citation="The authors' own judgement")


def test_bibtex_escapes_text_and_leaves_addresses_as_they_are() -> None:
    text = cite([FULL], "bibtex")
    assert text.startswith("@misc{USGS-MCS24,\n")
    assert r"title = {{Rare earths \& \{magnets\} 50\%}}" in text
    assert "url = {https://pubs.usgs.gov/x_y}" in text
    assert "year = {2024}" in text
    assert "urldate = {2026-11-23}" in text
    assert text.count("{") == text.count("}")


def test_ris_has_its_tags_and_ends_the_record() -> None:
    lines = cite([FULL, BARE], "ris").splitlines()
    assert lines[0] == "TY  - ELEC"
    assert "DA  - 2024/01/31" in lines
    assert "PY  - 2024" in lines
    assert "TY  - GEN" in lines
    assert lines.count("ER  - ") == 2


def test_csl_is_json_with_date_parts() -> None:
    full, bare = json.loads(cite([FULL, BARE], "csl"))
    assert full["issued"] == {"date-parts": [[2024, 1, 31]]}
    assert full["DOI"] == "10.3133/mcs2024"
    assert full["author"] == [{"literal": "U.S. Geological Survey"}]
    assert bare["type"] == "document"
    assert "issued" not in bare


def test_a_month_is_a_date_without_day() -> None:
    (found,) = json.loads(cite([Source("a", "p", "t", "2025-10", url="https://a.org")], "csl"))
    assert found["issued"] == {"date-parts": [[2025, 10]]}


def test_an_unknown_format_is_refused() -> None:
    with pytest.raises(UsageError, match="unknown citation format 'apa'; expected one of bibtex, ris, csl"):
        cite([FULL], "apa")


@given(st.builds(Source, *[st.text(max_size=20)] * 9), st.sampled_from(FORMATS))
def test_any_source_can_be_cited_in_one_record(source: Source, form: str) -> None:
    text = cite([source], form)
    if form == "csl":
        assert json.loads(text)[0]["id"] == source.id
    elif form == "ris":
        assert text.splitlines()[-1] == "ER  - "
    else:
        unescaped = text.replace("\\{", "").replace("\\}", "")
        assert unescaped.count("{") == unescaped.count("}")
