"""What was tried: hits and mean CRPS by episode under other readings, each fitted anew on the fitted episodes.

Run: python benchmarks/hindcast/variants.py [--draws N] [--cross] [NAME ...]. Prints the table of docs/hindcast.md. With
--cross it judges each variant on the fitted episodes alone: on each of them with parameters fitted on the others.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import numpy as np

import oreflow
from oreflow.baseline.fit import Prior
from oreflow.hindcast import judge as judging
from oreflow.hindcast.episode import Demand, Episode, Hindcasts, load_hindcasts

QUOTA = {
    "H2019": {"2019-01": 1.1},
    "H2021": {"2021-01": 1.2, "2022-01": 1.5},
    "H2023": {"2022-01": 1.25, "2023-01": 1.518},
}  # total mining quota of China relative to the reference year (USGS)
SCRAP = {2018: 0.444, 2019: 0.489, 2020: 0.519, 2021: 0.622, 2022: 0.778, 2023: 0.944, 2024: 1.0}  # by that quota
EARLIER_WEIGHT = Prior("weight", 0.2, 0.5, 0.8, "logit")
NO_FOLLOWING = Prior("follow", 0.5e-5, 1e-5, 2e-5, "logit")


@dataclass(frozen=True)
class Variant:
    """A change of the data, other priors by name (None: not free), and what of the noise is left out."""

    change: Callable[[Hindcasts], Hindcasts] = lambda hindcasts: hindcasts
    priors: tuple[tuple[str, Prior | None], ...] = ()
    steady_noise: bool = False
    full_counts: bool = False

    def free(self) -> tuple[Prior, ...]:
        """Priors of the variant."""
        other = dict(self.priors)
        found = (other.get(prior.name, prior) for prior in judging.PRIORS)
        return tuple(prior for prior in found if prior is not None)


def each(change: Callable[[Episode], Episode]) -> Callable[[Hindcasts], Hindcasts]:
    """The same change of every episode."""
    return lambda h: h.model_copy(update={"episodes": tuple(change(e) for e in h.episodes)})


def by_quota(episode: Episode) -> Episode:
    """Demand follows the total mining quota."""
    if episode.id not in QUOTA:
        return episode
    return episode.model_copy(update={"demand": episode.demand.model_copy(update={"index": QUOTA[episode.id]})})


def all_relative(episode: Episode) -> Episode:
    """The price of NdPr is not given: everything is read relative to it."""
    return episode.model_copy(update={"demand": episode.demand.model_copy(update={"price": {}})})


def still_streams(episode: Episode) -> Episode:
    """Streams without a record of their own stay at the reference."""
    still = {str(int(episode.start.start)): 1.0}
    streams = tuple(s.model_copy(update={"index": still}) if s.backcast and not s.index else s for s in episode.supply)
    return episode.model_copy(update={"supply": streams})


def imposed_outside(episode: Episode) -> Episode:
    """Mines outside China do not answer to prices."""
    streams = tuple(s.model_copy(update={"elasticity": 0.0}) if s.place != episode.home else s for s in episode.supply)
    return episode.model_copy(update={"supply": streams})


def first_record(episode: Episode) -> Episode:
    """Monthly arrivals only."""
    return episode.model_copy(update={"supply": tuple(s.model_copy(update={"annual": {}}) for s in episode.supply)})


def quick_magnets(episode: Episode) -> Episode:
    """Magnets are qualified in nine months, as oxide and metal are."""
    control = episode.control.model_copy(update={"qualification": 0.75}) if episode.control else None
    elements = {name: e.model_copy(update={"qualification": 0.75}) for name, e in episode.elements.items()}
    return episode.model_copy(update={"elements": elements, "control": control})


def no_growth(episode: Episode) -> Episode:
    """No index of demand (thrifting stays)."""
    return episode.model_copy(update={"demand": Demand(price=episode.demand.price)})


def scrap_by_quota(hindcasts: Hindcasts) -> Hindcasts:
    """Scrap follows the mining quota, and the record of 2023 is not used."""
    rule = hindcasts.backcast
    scrap = rule.streams["scrap"].model_copy(update={"index": SCRAP})
    streams = {**rule.streams, "scrap": scrap}
    return hindcasts.model_copy(update={"backcast": rule.model_copy(update={"streams": streams})})


def first_version(hindcasts: Hindcasts) -> Hindcasts:
    """All of the above at once."""
    for change in (by_quota, all_relative, still_streams, imposed_outside):
        hindcasts = each(change)(hindcasts)
    return scrap_by_quota(hindcasts)


EARLIER = (("weight", EARLIER_WEIGHT), ("supply", None), ("follow", None))
VARIANTS = {
    "as shipped": Variant(),
    "first version": Variant(first_version, EARLIER, steady_noise=True, full_counts=True),
    "first version, demand by magnets": Variant(
        lambda h: scrap_by_quota(each(lambda e: imposed_outside(still_streams(all_relative(e))))(h)), EARLIER,
        steady_noise=True, full_counts=True),
    "demand by the mining quota": Variant(each(by_quota)),
    "NdPr followed one for one": Variant(each(all_relative), (("follow", None),)),
    "NdPr moves demand only": Variant(priors=(("follow", NO_FOLLOWING),)),
    "earlier prior of weight": Variant(priors=(("weight", EARLIER_WEIGHT),)),
    "elasticity of supply not fitted": Variant(priors=(("supply", None),)),
    "mines outside China do not answer": Variant(each(imposed_outside)),
    "streams still, scrap by the quota": Variant(lambda h: scrap_by_quota(each(still_streams)(h))),
    "each row counts in full": Variant(full_counts=True),
    "noise the same at all horizons": Variant(steady_noise=True),
    "monthly record of arrivals only": Variant(each(first_record)),
    "no growth of demand": Variant(each(no_growth)),
    "magnets qualified in nine months": Variant(each(quick_magnets)),
}  # fmt: skip


def by_episode(board: judging.Scoreboard) -> str:
    """Mean CRPS of each episode."""
    return " | ".join(f"{np.mean([r.crps for r in e.rows]):.3f}" for e in board.episodes)


def run(name: str, own: Hindcasts, draws: int) -> str:
    """One line of the table."""
    variant = VARIANTS[name]
    hindcasts, jobs = variant.change(own), os.cpu_count() or 1
    found = judging.fit_parameters(hindcasts, priors=variant.free())
    board = judging.judge(hindcasts, draws=draws, jobs=jobs, found=found)
    still, simple = board.comparisons
    return (f"| {name} | {by_episode(board)} | {board.hits}/{board.scored} | {still.model:.3f} | {still.other:.3f} "
            f"({still.low:+.3f} to {still.high:+.3f}) | {simple.other:.3f} ({simple.low:+.3f} to {simple.high:+.3f}) "
            f"| {found.noise:.2f} |").replace("-", "\N{MINUS SIGN}")  # fmt: skip


def cross(name: str, own: Hindcasts, draws: int) -> str:
    """Mean CRPS over the fitted episodes, each judged with parameters fitted on the others."""
    variant = VARIANTS[name]
    hindcasts = variant.change(own)
    rows: list[judging.RowScore] = []
    for held in own.split.fitted:
        rest = tuple(x for x in own.split.fitted if x != held)
        split = own.split.model_copy(update={"fitted": rest, "scored": (held,)})
        other = hindcasts.model_copy(update={"split": split})
        found = judging.fit_parameters(other, priors=variant.free())
        rows += judging.judge(other, draws=draws, only=(held,), found=found).rows
    own_score, still = (np.mean([getattr(r, key) for r in rows]) for key in ("crps", "crps_no_change"))
    return f"| {name} | {own_score:.3f} | {still:.3f} |"


def main() -> None:
    """Print one line for each variant."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="variants; all by default")
    parser.add_argument("--draws", type=int, default=30)
    parser.add_argument("--cross", action="store_true")
    words = parser.parse_args()
    own = load_hindcasts(Path(oreflow.__file__).parent / "cases" / "kachin" / "hindcasts")
    for name in words.names or VARIANTS:
        variant = VARIANTS[name]
        horizon = (lambda _row: 1.0) if variant.steady_noise else judging.horizon
        counts = (lambda rows: np.ones(len(rows))) if variant.full_counts else judging.row_counts
        with patch.object(judging, "horizon", horizon), patch.object(judging, "row_counts", counts):
            print((cross if words.cross else run)(name, own, words.draws), flush=True)


if __name__ == "__main__":
    main()
