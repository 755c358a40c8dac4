"""Measures of every pair of genes by scipy and scikit-learn.

Reads a matrix of genes by cells, one gene a line, and prints per pair: Pearson, Spearman, cosine, Jaccard. A second file
holds levels in the same shape: then also the p-value of the G-test of independence and its degrees of freedom."""

import sys
import warnings

import numpy as np
from scipy import stats
from sklearn.metrics import jaccard_score
from sklearn.metrics.pairwise import cosine_similarity

warnings.simplefilter("ignore")
values = np.loadtxt(sys.argv[1], dtype=np.float32, ndmin=2).astype(np.float64)
levels = np.loadtxt(sys.argv[2], dtype=int, ndmin=2)
cosine = cosine_similarity(values)

for a in range(len(values)):
    for b in range(a + 1, len(values)):
        x, y = values[a], values[b]
        table = stats.contingency.crosstab(levels[a], levels[b])[1]
        _, p, degrees, _ = stats.chi2_contingency(table, lambda_="log-likelihood", correction=False)
        found = [
            stats.pearsonr(x, y)[0],
            stats.spearmanr(x, y)[0],
            cosine[a, b],
            jaccard_score(x > 0, y > 0),
            p,
            degrees,
        ]
        print(*(repr(float(value)) for value in found))
