# Makes the tables of this folder with DESeq2: Rscript deseq2.R (R 4.2.2, DESeq2 1.38.3).
# Simulated counts of 120 genes in 24 samples, some of them peculiar, and what DESeq2 gives for several designs.
suppressPackageStartupMessages(library(DESeq2))
set.seed(20261121)
genes <- 120
samples <- data.frame(
  condition = rep(c("a", "b", "c"), each = 8),
  batch = rep(rep(c("x", "y"), each = 4), 3),
  age = round(runif(24, 20, 70), 1),
  row.names = sprintf("s%02d", 1:24), stringsAsFactors = TRUE)
mean <- exp(runif(genes, log(2), log(4000)))
alpha <- exp(log(0.05 + 2 / mean) + rnorm(genes, 0, 0.5))
depth <- exp(rnorm(24, 0, 0.3))
effect <- matrix(0, genes, 3)
effect[, 2] <- rnorm(genes) * (runif(genes) < 0.4)
effect[, 3] <- rnorm(genes) * (runif(genes) < 0.4)
byBatch <- rnorm(genes, 0, 0.4)
mu <- mean * exp(effect[, as.integer(factor(samples$condition))] + outer(byBatch, samples$batch == "y"))
mu <- t(t(mu) * depth)
counts <- matrix(rnbinom(length(mu), mu = mu, size = 1 / alpha), genes)
counts[1, ] <- 0L                                  # nothing anywhere
counts[2, 9:16] <- 0L                              # nothing in b
counts[3, ] <- 0L; counts[3, 5] <- 7L              # one sample only
counts[4, 3] <- 20000L; counts[5, 12] <- 50000L    # counts far out
counts[6, ] <- rpois(24, 1.2e6 * depth)            # huge and hardly dispersed
counts[7, 9:24] <- 0L                              # only in a
counts[8, 20] <- counts[8, 20] * 30L + 300L
storage.mode(counts) <- "integer"
dimnames(counts) <- list(sprintf("g%03d", 1:genes), rownames(samples))

save <- function(table, name) {
  table <- cbind(gene = rownames(table), as.data.frame(lapply(as.data.frame(table), function(x)
    if (is.numeric(x)) sprintf("%.10g", x) else as.character(x))))
  write.table(table, name, sep = "\t", quote = FALSE, row.names = FALSE)
}
write.table(cbind(gene = rownames(counts), counts), "counts.tsv", sep = "\t", quote = FALSE, row.names = FALSE)
write.table(cbind(sample = rownames(samples), samples), "samples.tsv", sep = "\t", quote = FALSE, row.names = FALSE)

hyper <- character()
note <- function(name, fitted) {
  f <- dispersionFunction(fitted)
  coefs <- attr(f, "coefficients")
  hyper <<- c(hyper, sprintf("%s\t%s\t%.10g\t%.10g\t%.10g\t%.10g", name, attr(f, "fitType"),
    if (is.null(coefs)) NA else coefs[1], if (is.null(coefs)) NA else coefs[2],
    attr(f, "varLogDispEsts"), attr(f, "dispPriorVar")))
}
columns <- c("baseMean", "baseVar", "dispGeneEst", "dispFit", "dispMAP", "dispersion", "dispOutlier", "maxCooks")
tell <- function(.file, fitted, ..., stats = c("log2FoldChange", "lfcSE", "stat", "pvalue", "padj")) {
  res <- results(fitted, ...)
  m <- mcols(fitted)
  conv <- if ("betaConv" %in% names(m)) m$betaConv else m$fullBetaConv
  save(cbind(as.data.frame(m[, columns]), replace = if (is.null(m$replace)) FALSE else m$replace, betaConv = conv,
    as.data.frame(res)[, stats]), paste0(.file, ".tsv"))
  note(.file, fitted)
}
make <- function(design, columns = 1:24) DESeqDataSetFromMatrix(counts[, columns], samples[columns, , drop = FALSE], design)
fit <- function(design, ..., columns = 1:24) suppressMessages(DESeq(make(design, columns), quiet = TRUE, ...))

one <- fit(~condition)
tell("condition_b_a", one, contrast = c("condition", "b", "a"))
save(as.data.frame(results(one, contrast = c("condition", "c", "b"))), "condition_c_b.tsv")
save(as.data.frame(results(one, contrast = c("condition", "c", "b"), independentFiltering = FALSE,
  cooksCutoff = FALSE, lfcThreshold = 0.5, altHypothesis = "greaterAbs")), "condition_c_b_threshold.tsv")
tell("condition_unreplaced", fit(~condition, minReplicatesForReplace = Inf), contrast = c("condition", "b", "a"))
tell("batch_condition_t", fit(~batch + condition, useT = TRUE), contrast = c("condition", "c", "a"))
tell("batch_condition_lrt", fit(~batch + condition, test = "LRT", reduced = ~batch))
tell("age_condition", fit(~age + condition), contrast = c("condition", "b", "a"))
tell("age", fit(~batch + condition + age), name = "age")
tell("interaction", fit(~batch + condition + batch:condition), name = "batchy.conditionc")
tell("local", fit(~condition, fitType = "local"), contrast = c("condition", "b", "a"))
tell("mean", fit(~condition, fitType = "mean"), contrast = c("condition", "b", "a"))
tell("minmu", fit(~condition, minmu = 1e-6), contrast = c("condition", "b", "a"))
tell("poscounts", fit(~batch + condition, sfType = "poscounts"), contrast = c("condition", "b", "a"))
tell("two_by_two", fit(~condition, columns = c(1, 2, 9, 10)), contrast = c("condition", "b", "a"))
tell("two_by_two_spread", fit(~condition, columns = c(3, 4, 11, 12)), contrast = c("condition", "b", "a"))
tell("three_by_three", fit(~condition, columns = c(1, 2, 3, 9, 10, 11)), contrast = c("condition", "b", "a"))
save(data.frame(ratio = sizeFactors(one), poscounts = sizeFactors(estimateSizeFactors(make(~condition), type = "poscounts")),
  row.names = rownames(samples)), "size_factors.tsv")
writeLines(c("run\tfit\tasymptotic\textra_poisson\tvariance\tprior_variance", hyper), "hyper.tsv")
writeLines(c(R.version.string, paste("DESeq2", packageVersion("DESeq2"))), "versions.txt")
