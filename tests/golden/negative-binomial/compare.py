# Largest and median differences between coexpr de and what papalexi.R wrote: compare.py OUT (see there).
import sys

import anndata
import numpy as np
import pandas as pd

out = sys.argv[1]
theirs = pd.read_csv(out + ".rows.tsv", sep="\t").set_index(["perturbation", "gene"])


def ours(kind, layer):
    a = anndata.read_h5ad(f"{out}.{kind}.h5ad")
    values = a.X if layer == "X" else a.layers[layer]
    frame = pd.DataFrame(values, a.obs_names, a.var_names).stack()
    frame.index.names = ["perturbation", "gene"]
    status = pd.DataFrame(a.layers["status"], a.obs_names, a.var_names).stack()
    status.index.names = ["perturbation", "gene"]
    return frame[status == 0]


def row(name, a, b):
    both = pd.concat([a, b], axis=1, join="inner").dropna()
    d = np.abs(both.iloc[:, 0] - both.iloc[:, 1])
    print(f"{name}: {len(d)} rows, median {d.median():.2g}, 95 % {d.quantile(0.95):.2g}, largest {d.max():.2g}")


# Below, R's p run out of digits.
def log10(p):
    return np.log10(p[p > 1e-280])


row("log2 fold change, glmGamPoi", ours("own", "X"), theirs["lfc"])
row("log2 fold change, edgeR", ours("own", "X"), theirs["edger_lfc"])
row("log2 fold change, DESeq2", ours("own", "X"), theirs["deseq2_lfc"])
row("log10 p, quasi-likelihood, glmGamPoi", ours("ql", "log10_pvalue"), log10(theirs["p"]))
row("log10 p, likelihood ratio, edgeR", ours("lrt", "log10_pvalue"), log10(theirs["edger_p"]))
row("log10 p, Wald, DESeq2", ours("wald", "log10_pvalue"), log10(theirs["deseq2_p"]))
