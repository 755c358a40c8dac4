# Counts of 80 genes in 400 cells of a control and two perturbations, and what glmGamPoi and DESeq2 say of them.
# Rscript glmGamPoi-and-DESeq2.R FOLDER   (Debian: r-bioc-glmgampoi r-bioc-deseq2; R 4.2.2, glmGamPoi 1.10.2, DESeq2 1.38.3)
suppressMessages({ library(glmGamPoi); library(DESeq2) })
folder <- commandArgs(TRUE)[1]
set.seed(4)
group <- factor(rep(c("control", "A", "B"), c(240, 100, 60)), levels = c("control", "A", "B"))
s <- exp(rnorm(400, 0, 0.4)); s <- s / mean(s)
m <- exp(runif(80, log(0.05), log(20)))
alpha <- (0.2 + 0.1 / m) * exp(rnorm(80, 0, 0.4))
lfc <- cbind(0, ifelse(runif(80) < 0.2, rnorm(80), 0), ifelse(runif(80) < 0.2, rnorm(80), 0))
mu <- m * exp(lfc[, as.integer(group)]) * rep(s, each = 80)
y <- matrix(rnbinom(length(mu), mu = mu, size = 1 / alpha), nrow = 80)
y[1, ] <- 0; y[2, group == "A"] <- 0; y[3, group == "control"] <- 0
rownames(y) <- paste0("g", 1:80); colnames(y) <- paste0("c", 1:400)
write.csv(y, file.path(folder, "counts.csv"), quote = FALSE)
write.csv(data.frame(group, size_factor = format(s, digits = 17)), file.path(folder, "cells.csv"), quote = FALSE)

fit <- glm_gp(y, design = ~ group, col_data = data.frame(group), size_factors = s, on_disk = FALSE)
own <- glm_gp(y, design = ~ group, col_data = data.frame(group), size_factors = s, overdispersion_shrinkage = FALSE)
ql <- fit$overdispersion_shrinkage_list
tests <- lapply(c("A", "B"), function(g) test_de(fit, paste0("group", g)))
genes <- data.frame(overdispersion = own$overdispersions, trend = ql$dispersion_trend,
                    ql = ql$ql_disp_estimate, ql_shrunken = ql$ql_disp_shrunken, df0 = ql$ql_df0,
                    beta0 = own$Beta[, 1], betaA = own$Beta[, 2], betaB = own$Beta[, 3],
                    fA = tests[[1]]$f_statistic, pA = tests[[1]]$pval, fB = tests[[2]]$f_statistic, pB = tests[[2]]$pval)

# DESeq2's Wald and glmGamPoi's likelihood-ratio tests of pairs of groups with a given dispersion: glmGamPoi's, or 0.3 where it found none.
given <- ifelse(is.finite(own$overdispersions) & own$overdispersions > 1e-6, own$overdispersions, 0.3)
genes$given <- given
for (g in c("A", "B")) {
  pick <- group %in% c("control", g)
  dds <- DESeqDataSetFromMatrix(y[, pick], data.frame(group = droplevels(group[pick])), ~ group)
  sizeFactors(dds) <- s[pick]
  dispersions(dds) <- given
  wald <- nbinomWaldTest(dds, betaPrior = FALSE, useOptim = TRUE, minmu = 1e-6)
  deviance <- function(design) glm_gp(y[, pick], design = design, col_data = data.frame(group = droplevels(group[pick])),
    size_factors = s[pick], overdispersion = given, overdispersion_shrinkage = FALSE, on_disk = FALSE)$deviances
  r <- results(wald, cooksCutoff = FALSE, independentFiltering = FALSE)
  genes[[paste0("lfc", g)]] <- r$log2FoldChange; genes[[paste0("lfcSE", g)]] <- r$lfcSE
  genes[[paste0("wald", g)]] <- r$stat; genes[[paste0("lrt", g)]] <- deviance(~ 1) - deviance(~ group)
  above <- results(wald, lfcThreshold = 0.3, altHypothesis = "greaterAbs", cooksCutoff = FALSE, independentFiltering = FALSE)
  within <- results(wald, lfcThreshold = 0.3, altHypothesis = "lessAbs", cooksCutoff = FALSE, independentFiltering = FALSE)
  genes[[paste0("above", g)]] <- above$pvalue; genes[[paste0("within", g)]] <- within$pvalue
}
rownames(genes) <- rownames(y)
write.csv(format(genes, digits = 12), file.path(folder, "genes.csv"), quote = FALSE)
