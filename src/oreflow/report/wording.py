"""What a case counts and leaves out, in words: the tracked elements, and the group that does not count as outside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from oreflow.chain.case import Case


@dataclass(frozen=True, slots=True)
class Wording:
    """Words of a case for texts that hold for any.

    Attributes:
        elements: tracked, as ("Dy", "Tb").
        group: that does not count as outside, as "China", "outside_china" or "belmor_group".
    """

    elements: Sequence[str]
    group: str

    @property
    def tracked(self) -> str:
        """Return the tracked elements in one word.

        Example:
            >>> Wording(("Dy", "Tb"), "China").tracked
            'Dy+Tb'
        """
        return "+".join(self.elements)

    @property
    def inside(self) -> str:
        """Return the group's name.

        Example:
            >>> Wording((), "outside_china").inside
            'China'
        """
        return group_title(self.group.removeprefix("outside_"))

    @property
    def outside(self) -> str:
        """Return where what is counted happens.

        Example:
            >>> Wording((), "China").outside
            'outside Chinese control'
            >>> Wording((), "belmor_group").outside
            'outside the control of Belmor Group'
        """
        return "outside Chinese control" if self.inside == "China" else f"outside the control of {self.inside}"

    def fill(self, text: str) -> str:
        """Return a text with `<tracked>`, `<elements>`, `<inside>` and `<outside>` filled in.

        Args:
            text: any.

        Example:
            >>> Wording(("Dy",), "belmor_group").fill("<tracked> separated <outside>")
            'Dy separated outside the control of Belmor Group'
        """
        words = {
            "<tracked>": self.tracked, "<elements>": ", ".join(self.elements), "<inside>": self.inside,
            "<outside>": self.outside,
        }  # fmt: skip
        for mark, words_of in words.items():
            text = text.replace(mark, words_of)
        return text


def wording_of(case: Case) -> Wording:
    """Return the words of a case.

    Args:
        case: of which something is told.

    Example:
        >>> wording_of(load_case("kachin")).tracked  # doctest: +SKIP
        'Dy+Tb'
    """
    return Wording(case.tracked_elements, case.outside)


def group_title(group: str) -> str:
    """Return the name of a group as it stands in a sentence.

    Args:
        group: its id, or its name, which is left as it is.

    Example:
        >>> group_title("belmor_group"), group_title("China")
        ('Belmor Group', 'China')
    """
    return group if group[:1].isupper() else group.replace("_", " ").title()
