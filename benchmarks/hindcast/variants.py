"""What was tried: mean CRPS of the scored rows under other readings of what is imposed, each fitted anew.

Run: python benchmarks/hindcast/variants.py [--draws N]. The first line is what `oreflow hindcast` says; the others
choose nothing.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path

import oreflow
from oreflow.hindcast.episode import Demand, Episode, Hindcasts, load_hindcasts
from oreflow.hindcast.judge import judge


def changed(hindcasts: Hindcasts, change: Callable[[Episode], Episode]) -> Hindcasts:
    """Every episode under another reading."""
    return hindcasts.model_copy(update={"episodes": tuple(change(e) for e in hindcasts.episodes)})


def without_growth(hindcasts: Hindcasts) -> Hindcasts:
    """Use of Dy and Tb stays at the reference: no quota index, no thrifting."""
    flat = changed(hindcasts, lambda e: e.model_copy(update={"demand": Demand()}))
    rule = hindcasts.backcast
    if rule.intensity is None:
        return flat
    still = rule.intensity.model_copy(update={"rate": 0.0, "low": -0.04, "high": 0.04})
    return flat.model_copy(update={"backcast": rule.model_copy(update={"intensity": still})})


def first_record(episode: Episode) -> Episode:
    """Monthly arrivals only."""
    streams = tuple(s.model_copy(update={"annual": {}}) for s in episode.supply)
    return episode.model_copy(update={"supply": streams})


def imposed_supply(episode: Episode) -> Episode:
    """Own mines and scrap do not answer to prices (the first version that was run)."""
    if episode.links:
        return episode
    streams = tuple(s.model_copy(update={"elasticity": 0.0}) for s in episode.supply)
    return episode.model_copy(update={"supply": streams})


def main() -> None:
    """Print one line for each variant."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=30)
    draws = parser.parse_args().draws
    own = load_hindcasts(Path(oreflow.__file__).parent / "cases" / "kachin" / "hindcasts")
    variants = {
        "as shipped": own,
        "monthly record of arrivals only": changed(own, first_record),
        "supply of mines and scrap imposed": changed(own, imposed_supply),
        "no growth of demand": without_growth(own),
        "no growth, monthly record only": changed(without_growth(own), first_record),
    }
    for name, hindcasts in variants.items():
        board = judge(hindcasts, draws=draws, jobs=os.cpu_count() or 1)
        by_episode = {
            e.episode.id: sum(r.crps for r in e.rows) / len(e.rows) for e in board.episodes if e.role == "scored"
        }
        parts = ", ".join(f"{key} {value:.3f}" for key, value in by_episode.items())
        against = ", ".join(f"{c.benchmark} {c.other:.3f} ({c.low:+.3f} to {c.high:+.3f})" for c in board.comparisons)
        print(f"{name}: hits {board.hits}/{board.scored}, CRPS {board.comparisons[0].model:.3f} [{parts}]; {against}; "
              f"noise {board.fit.noise:.2f}", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
