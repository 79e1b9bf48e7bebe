"""Chance pairs of two Poisson streams straight from numpy: no engine, no code of the statistic."""

import numpy as np

from nuncius.broker.matching.calibration import ChancePair

SPAN_S = 30 * 86400.0
WINDOW_S = 300.0
SIGMA = 1.0
"""Width of both streams' circles, radians: their overlap is below 2 everywhere."""


def chance_pairs(seed: int, events: int = 4000, slides: int = 5) -> tuple[list[ChancePair], float]:
    """Pairs of so many anchors and partners, stated with the true rates; and the livetime in seconds."""
    random = np.random.default_rng(seed)
    number, others = random.poisson(events, 2)
    rate_hz, top_hz = events / SPAN_S, events / SPAN_S
    time_s, partner_s = random.uniform(0, SPAN_S, number), np.sort(random.uniform(0, SPAN_S, others))
    far_hz = random.uniform(0, top_hz, number)
    first, second = (random.normal(size=(n, 3)) for n in (number, others))
    first, second = (v / np.linalg.norm(v, axis=1)[:, None] for v in (first, second))
    pairs = []
    for slide in range(slides):
        moved = (partner_s + (slide + 1) * 86400.0) % SPAN_S
        near = np.argsort(moved)
        low, high = (np.searchsorted(moved[near], time_s + end) for end in (0.0, WINDOW_S))
        for i in np.flatnonzero(high > low):
            for j in near[low[i] : high[i]]:
                overlap = fisher_overlap(float(first[i] @ second[j]))
                chance = rate_hz * WINDOW_S / overlap
                pairs.append(
                    ChancePair(slide, int(i), int(j), "noise_pair", far_hz[i] * chance, overlap, top_hz * chance)
                )
    return pairs, slides * SPAN_S


def fisher_overlap(cosine: float) -> float:
    """4 pi times the integral of two von Mises-Fisher densities of concentration 1 / SIGMA^2, this far apart."""
    kappa = SIGMA**-2
    joint = kappa * np.sqrt(max(2 + 2 * cosine, 1e-12))
    return float((kappa / np.sinh(kappa)) ** 2 * np.sinh(joint) / joint)
