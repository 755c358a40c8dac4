# What glmGamPoi, edgeR and DESeq2 say of a real screen: a .h5ad of raw counts with the column `perturbation`.
#   Rscript papalexi.R SCREEN.h5ad OUT     writes OUT.genes.tsv (dispersions) and OUT.rows.tsv
#   coexpr de SCREEN.h5ad -o OUT.own.h5ad --perturbation perturbation --control non-targeting --size-factors library \
#     --dispersion-shrinkage none          and with --test ql -o OUT.ql.h5ad (default shrinkage); then compare.py OUT
# Debian: r-bioc-glmgampoi, r-bioc-edger, r-bioc-deseq2, r-bioc-rhdf5; R 4.2.2. Size factors are total counts over their mean.
suppressMessages({ library(glmGamPoi); library(edgeR); library(DESeq2); library(rhdf5); library(Matrix) })
arguments <- commandArgs(TRUE)
file <- arguments[1]
text <- function(name) {
  found <- h5read(file, name)
  if (is.list(found)) as.character(found$categories[as.integer(found$codes) + 1]) else as.character(found)
}
index <- function(table) text(paste0(table, "/", h5readAttributes(file, table)[["_index"]]))
genes <- index("var")
group <- relevel(factor(text("obs/perturbation")), ref = "non-targeting")
y <- as.matrix(sparseMatrix(i = as.integer(h5read(file, "X/indices")) + 1L, p = as.integer(h5read(file, "X/indptr")),
                            x = as.numeric(h5read(file, "X/data")), dims = c(length(genes), length(group))))
rownames(y) <- genes; colnames(y) <- paste0("c", seq_len(ncol(y)))
s <- colSums(y); s <- s / mean(s)
timed <- function(name, work) { begun <- proc.time(); value <- work; cat(name, (proc.time() - begun)[["user.self"]], "s\n"); value }

own <- timed("glm_gp, own dispersions", glm_gp(y, design = ~ group, col_data = data.frame(group), size_factors = s,
                                               overdispersion_shrinkage = FALSE, on_disk = FALSE))
shrunken <- timed("glm_gp, quasi-likelihood", glm_gp(y, design = ~ group, col_data = data.frame(group), size_factors = s, on_disk = FALSE))
write.table(data.frame(gene = genes, glmgampoi = own$overdispersions), paste0(arguments[2], ".genes.tsv"), sep = "\t", quote = FALSE, row.names = FALSE)
design <- model.matrix(~ group)
d <- timed("edgeR", { d <- DGEList(y, group = group, lib.size = colSums(y)); d <- estimateDisp(d, design); d })
fit <- glmFit(d, design, prior.count = 0)
rows <- lapply(levels(group)[-1], function(name) {
  column <- paste0("group", name)
  edger <- glmLRT(fit, coef = column)$table
  found <- data.frame(perturbation = name, gene = genes, lfc = own$Beta[, column] / log(2), p = test_de(shrunken, column)$pval,
                      edger_lfc = edger$logFC, edger_p = edger$PValue, deseq2_lfc = NA, deseq2_p = NA)
  if (name %in% c("IFNGR1", "JAK2", "STAT1")) {
    # With glmGamPoi's dispersions, so that the tests alone are compared.
    pick <- group %in% c("non-targeting", name)
    dds <- DESeqDataSetFromMatrix(y[, pick], data.frame(group = droplevels(group[pick])), ~ group)
    sizeFactors(dds) <- s[pick]
    dispersions(dds) <- ifelse(own$overdispersions > 1e-8, own$overdispersions, 1e-8)
    r <- results(nbinomWaldTest(dds, betaPrior = FALSE, useOptim = TRUE, minmu = 1e-6), cooksCutoff = FALSE, independentFiltering = FALSE)
    found$deseq2_lfc <- r$log2FoldChange; found$deseq2_p <- r$pvalue
  }
  found
})
write.table(do.call(rbind, rows), paste0(arguments[2], ".rows.tsv"), sep = "\t", quote = FALSE, row.names = FALSE)
