"""Two-sample tests by scipy.

two_samples.py FILE: a text file with the group of every cell in its first line (0 is the reference, -1 is left out), then
one gene a line. Prints for each gene and each group above 0 the columns of `row`.

two_samples.py H5AD COLUMN CONTROL GENES LABEL...: the same of log1p of counts brought to 10,000 per cell, in single
precision, of every GENES-th gene of a file of counts."""

import sys
import warnings

import numpy as np
from scipy import stats

warnings.simplefilter("ignore")


def row(x, y):
    x, y = x.astype(np.float64), y.astype(np.float64)

    def u(alternative, continuity):
        test = stats.mannwhitneyu(x, y, continuity, alternative, method="asymptotic")
        return test.pvalue

    both = np.concatenate([x, y])
    untied = len(np.unique(both)) == len(both) and len(both) <= 50
    exact = [
        stats.mannwhitneyu(x, y, alternative=side, method="exact").pvalue if untied else np.nan
        for side in ("two-sided", "greater", "less")
    ]
    means = [(sample.mean(), sample.std(ddof=1), len(sample)) for sample in (x, y)]
    over = stats.ttest_ind_from_stats(*means[0], *means[1][:2], means[0][2], equal_var=False)
    t = [stats.ttest_ind(x, y, equal_var=False, alternative=side) for side in ("two-sided", "greater", "less")]
    return [
        stats.mannwhitneyu(x, y).statistic,
        u("two-sided", True),
        u("two-sided", False),
        u("greater", True),
        u("less", True),
        u("greater", False),
        *exact,
        t[0].statistic,
        *(test.pvalue for test in t),
        over.statistic,
        over.pvalue,
    ]


def show(x, y):
    print(*(repr(float(value)) for value in row(x, y)))


if len(sys.argv) == 2:
    with open(sys.argv[1]) as file:
        group = np.array([int(word) for word in file.readline().split()])
    for gene in np.loadtxt(sys.argv[1], dtype=np.float32, ndmin=2, skiprows=1):
        for label in range(1, group.max() + 1):
            show(gene[group == label], gene[group == 0])
else:
    import anndata

    cells = anndata.read_h5ad(sys.argv[1])
    counts = cells.X.toarray().astype(np.float64)
    scale = 1e4 / counts.sum(axis=1, keepdims=True)
    values = np.log(1 + counts * scale).astype(np.float32)[:, :: int(sys.argv[4])]
    label = cells.obs[sys.argv[2]].to_numpy()
    for gene in values.T:
        for name in sys.argv[5:]:
            show(gene[label == name], gene[label == sys.argv[3]])
