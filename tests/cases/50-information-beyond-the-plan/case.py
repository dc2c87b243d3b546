"""More information than planned: alpha holds, by another integral; and information that falls is refused."""

import numpy as np
from cases.common import attempt
from scipy.stats import multivariate_normal, norm

import trialtools as tt


def case():
    bounds = tt.interim.boundaries([66, 122, 230], planned=200)
    z, information = bounds["z"].tolist(), bounds["information"].tolist()
    shared = np.array([[min(i, j) / np.sqrt(i * j) for j in information] for i in information])
    total = 1 - multivariate_normal(mean=[0] * 3, cov=shared).cdf(z)  # the chance to cross at all without an effect
    first = 2 * norm.cdf(norm.ppf(0.0125) / np.sqrt(66 / 200))
    close = tt.interim.boundaries([100, 197, 200], planned=200)
    falling = attempt(lambda: tt.interim.boundaries([66, 60, 200], planned=200))
    got = (round(float(total), 3), abs(norm.sf(z[0]) - first) < 1e-6, len(close), isinstance(falling, str))
    return got, (0.025, True, 3, True)
