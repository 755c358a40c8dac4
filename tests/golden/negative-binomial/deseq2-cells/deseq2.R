# Counts of 300 genes in 200 cells of a control and two perturbations, and what DESeq2 says of each against the control, the
# cells being its samples. Rscript deseq2.R FOLDER   (Debian: r-bioc-deseq2; R 4.2.2, DESeq2 1.38.3)
suppressPackageStartupMessages(library(DESeq2))
folder <- commandArgs(TRUE)[1]
set.seed(17)
group <- factor(rep(c("control", "A", "B"), c(100, 60, 40)), levels = c("control", "A", "B"))
s <- exp(rnorm(200, 0, 0.3)); s <- s / mean(s)
m <- exp(runif(300, log(0.1), log(60)))
alpha <- (0.1 + 0.3 / m) * exp(rnorm(300, 0, 0.4))
lfc <- cbind(0, ifelse(runif(300) < 0.25, rnorm(300), 0), ifelse(runif(300) < 0.25, rnorm(300), 0))
y <- matrix(rnbinom(300 * 200, mu = m * exp(lfc[, as.integer(group)]) * rep(s, each = 300), size = 1 / alpha), nrow = 300)
y[1, ] <- 0L; y[2, group == "A"] <- 0L; y[3, group == "control"] <- 0L
y[4, 5] <- 5000L; y[5, 120] <- 8000L; y[6, c(3, 130, 170)] <- c(40L, 60L, 80L)
# Of B every gene misses in some cell, so that medians of ratios cannot be had; of A some genes are in every cell.
complete <- which(rowSums(y[, group != "A"] == 0) == 0)
y[cbind(complete, 161 + seq_along(complete) %% 40)] <- 0L
storage.mode(y) <- "integer"
rownames(y) <- sprintf("g%03d", 1:300); colnames(y) <- sprintf("c%03d", 1:200)
write.csv(y, file.path(folder, "counts.csv"), quote = FALSE)
write.csv(data.frame(cell = colnames(y), group), file.path(folder, "cells.csv"), quote = FALSE, row.names = FALSE)
stopifnot(length(complete) > 10)
for (g in c("A", "B")) {
  pick <- group %in% c("control", g)
  dds <- DESeqDataSetFromMatrix(y[, pick], data.frame(group = droplevels(group[pick])), ~ group)
  type <- if (any(rowSums(y[, pick] == 0) == 0)) "ratio" else "poscounts"
  dds <- DESeq(dds, sfType = type, quiet = TRUE)
  r <- results(dds); d <- mcols(dds)
  number <- function(x) ifelse(is.na(x), "NA", formatC(x, digits = 15, format = "g"))
  write.csv(data.frame(gene = rownames(y), baseMean = number(r$baseMean), dispGeneEst = number(d$dispGeneEst),
    dispFit = number(d$dispFit), dispersion = number(d$dispersion), maxCooks = number(d$maxCooks),
    replaced = if (is.null(d$replace)) FALSE else d$replace, converged = d$betaConv, log2FoldChange = number(r$log2FoldChange), lfcSE = number(r$lfcSE),
    stat = number(r$stat), pvalue = number(r$pvalue), padj = number(r$padj)),
    file.path(folder, paste0(g, ".csv")), quote = FALSE, row.names = FALSE)
  write.csv(data.frame(cell = colnames(y)[pick], type, size_factor = number(sizeFactors(dds))),
    file.path(folder, paste0("size_factors_", g, ".csv")), quote = FALSE, row.names = FALSE)
  # Cook's distances where nothing is replaced and no fitted mean is kept up.
  dds <- suppressMessages(DESeq(dds[, ], sfType = type, quiet = TRUE, minReplicatesForReplace = Inf, minmu = 1e-6))
  # Where its least squares do not converge (g005 of A), DESeq2 takes means from an optimizer but leverages from where it stopped:
  # those of its own means instead, in a distance that is otherwise its own.
  for (i in which(mcols(dds)$betaIter >= 100)) {
    mu <- assays(dds)[["mu"]][i, ]; w <- mu / (1 + dispersions(dds)[i] * mu)
    h <- w / ave(w, dds$group, FUN = sum); H <- assays(dds)[["H"]][i, ]
    assays(dds)[["cooks"]][i, ] <- assays(dds)[["cooks"]][i, ] * (h / (1 - h)^2) / (H / (1 - H)^2)
    mcols(dds)$maxCooks[i] <- max(assays(dds)[["cooks"]][i, ])
  }
  p <- results(dds, independentFiltering = FALSE)$pvalue
  worst <- apply(assays(dds)[["cooks"]], 1, function(x) if (all(is.na(x))) NA else colnames(dds)[which.max(x)])
  write.csv(data.frame(gene = rownames(y), dispersion = number(dispersions(dds)), maxCooks = number(mcols(dds)$maxCooks), worst,
    outlier = rowSums(counts(dds)) > 0 & is.na(p)), file.path(folder, paste0("cooks_", g, ".csv")), quote = FALSE, row.names = FALSE)
}
