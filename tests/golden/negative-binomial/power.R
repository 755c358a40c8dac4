# What glmGamPoi and edgeR find in simulated screens, beside the tables of coexpr de.
#   coexpr simulate -o screen.h5ad --cells 4000 --genes 2000 --perturbations 10 --density 0.3 --seed 1
#   Rscript power.R screen.h5ad screen     writes screen.glmgampoi.tsv and screen.edger.tsv
# Debian: r-bioc-glmgampoi, r-bioc-edger, r-bioc-rhdf5; R 4.2.2, glmGamPoi 1.10.2, edgeR 3.40.2. Size factors are total counts
# over their mean in both.
suppressMessages({ library(glmGamPoi); library(edgeR); library(rhdf5); library(Matrix) })
arguments <- commandArgs(TRUE)
file <- arguments[1]
text <- function(name) {
  found <- h5read(file, name)
  if (is.list(found)) factor(found$categories[as.integer(found$codes) + 1], levels = found$categories) else as.character(found)
}
index <- function(table) text(paste0(table, "/", h5readAttributes(file, table)[["_index"]]))
genes <- index("var")
group <- as.character(text("obs/perturbation"))
group <- relevel(factor(group), ref = "non-targeting")
y <- as.matrix(sparseMatrix(i = as.integer(h5read(file, "X/indices")) + 1L, p = as.integer(h5read(file, "X/indptr")),
                            x = as.numeric(h5read(file, "X/data")), dims = c(length(genes), length(group))))
s <- colSums(y); s <- s / mean(s)
row <- function(p, name) data.frame(perturbation = name, gene = genes, p = p, q = p.adjust(p, "BH"))
save <- function(rows, name) write.table(format(do.call(rbind, rows), digits = 10), paste0(arguments[2], name), sep = "\t", quote = FALSE, row.names = FALSE)

begun <- proc.time()
fit <- glm_gp(y, design = ~ group, col_data = data.frame(group), size_factors = s, on_disk = FALSE)
cat("glm_gp", (proc.time() - begun)[["user.self"]], "s\n")
save(lapply(levels(group)[-1], function(name) row(test_de(fit, paste0("group", name))$pval, name)), ".glmgampoi.tsv")

begun <- proc.time()
design <- model.matrix(~ group)
d <- DGEList(y, group = group, lib.size = colSums(y))
d <- estimateDisp(d, design)
fit <- glmFit(d, design)
cat("estimateDisp and glmFit", (proc.time() - begun)[["user.self"]], "s\n")
save(lapply(2:ncol(design), function(k) row(glmLRT(fit, coef = k)$table$PValue, levels(group)[k])), ".edger.tsv")
