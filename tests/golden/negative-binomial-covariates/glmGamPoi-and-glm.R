# Counts of 60 genes in 420 cells of a control and two perturbations that lie unequally in three batches, with a number for
# each cell, and what glmGamPoi and base R's glm say of them.
# Rscript glmGamPoi-and-glm.R FOLDER   (Debian: r-bioc-glmgampoi; R 4.2.2, glmGamPoi 1.10.2, MASS)
suppressMessages({ library(glmGamPoi); library(MASS) })
folder <- commandArgs(TRUE)[1]
set.seed(11)
group <- factor(rep(c("control", "A", "B"), c(240, 100, 80)), levels = c("control", "A", "B"))
share <- list(control = c(0.6, 0.3, 0.1), A = c(0.2, 0.3, 0.5), B = c(0.3, 0.6, 0.1))
batch <- factor(unlist(lapply(as.character(group), function(g) sample(c("x", "y", "z"), 1, prob = share[[g]]))))
mito <- round(rgamma(420, 4, 1) + 2 * (group == "A"), 3)
s <- exp(rnorm(420, 0, 0.4)); s <- s / mean(s)
m <- exp(runif(60, log(0.2), log(15)))
alpha <- (0.2 + 0.1 / m) * exp(rnorm(60, 0, 0.4))
lfc <- cbind(0, ifelse(runif(60) < 0.2, rnorm(60), 0), ifelse(runif(60) < 0.2, rnorm(60), 0))
shift <- cbind(0, rnorm(60, 0, 0.5), rnorm(60, 0, 0.5))
slope <- rnorm(60, 0, 0.1)
mu <- m * exp(lfc[, as.integer(group)] + shift[, as.integer(batch)] + slope %o% (mito - mean(mito))) * rep(s, each = 60)
y <- matrix(rnbinom(length(mu), mu = mu, size = 1 / alpha), nrow = 60)
rownames(y) <- paste0("g", 1:60); colnames(y) <- paste0("c", 1:420)
write.csv(y, file.path(folder, "counts.csv"), quote = FALSE)
cells <- data.frame(group, batch, mito, size_factor = format(s, digits = 17), row.names = colnames(y))
write.csv(cells, file.path(folder, "cells.csv"), quote = FALSE)

own <- glm_gp(y, design = ~ group + batch + mito, col_data = cells, size_factors = s, overdispersion_shrinkage = FALSE, on_disk = FALSE)
given <- ifelse(is.finite(own$overdispersions) & own$overdispersions > 1e-6, own$overdispersions, 0.3)
deviance <- function(design, data = cells) glm_gp(y, design = design, col_data = data, size_factors = s,
  overdispersion = given, overdispersion_shrinkage = FALSE, on_disk = FALSE)$deviances
full <- glm_gp(y, design = ~ group + batch + mito, col_data = cells, size_factors = s, overdispersion = given,
  overdispersion_shrinkage = FALSE, on_disk = FALSE)
# Without A, its cells are controls; without B, likewise.
merged <- function(g) { data <- cells; data$group <- factor(ifelse(group == g, "control", as.character(group))); data }
genes <- data.frame(overdispersion = own$overdispersions, given,
  A = full$Beta[, 2], B = full$Beta[, 3], y = full$Beta[, 4], z = full$Beta[, 5], mito = full$Beta[, 6], deviance = full$deviances,
  lrtA = deviance(~ group + batch + mito, merged("A")) - full$deviances,
  lrtB = deviance(~ group + batch + mito, merged("B")) - full$deviances)
# The dispersion of largest likelihood with means of largest likelihood at each, less half of ln det of the information.
x <- model.matrix(~ group + batch + mito)
joint <- function(g) {
  b <- full$Beta[g, ]
  profile <- function(log_alpha) {
    a <- exp(log_alpha)
    for (step in 1:30) {
      mu <- s * exp(drop(x %*% b)); w <- mu / (1 + a * mu)
      b <- b + drop(solve(crossprod(x, w * x), crossprod(x, w * (y[g, ] - mu) / mu)))
    }
    mu <- s * exp(drop(x %*% b)); w <- mu / (1 + a * mu)
    sum(dnbinom(y[g, ], mu = mu, size = 1 / a, log = TRUE)) - determinant(crossprod(x, w * x))$modulus / 2
  }
  exp(optimize(profile, log(given[g]) + c(-1, 1), maximum = TRUE, tol = 1e-7)$maximum)
}
genes$joint <- sapply(1:60, joint)
# The same by base R's least squares with MASS's family. It stops when the deviance does not change, where coefficients are
# right to 1e-7 of their errors alone: twenty more steps follow.
regression <- function(g, data) {
  fit <- glm(y[g, ] ~ group + batch + mito + offset(log(s)), data = data,
    family = negative.binomial(1 / given[g], link = "log"), control = glm.control(epsilon = 1e-14, maxit = 200))
  x <- model.matrix(fit); b <- coef(fit)
  for (step in 1:20) {
    mu <- s * exp(drop(x %*% b)); w <- mu / (1 + given[g] * mu)
    b <- b + drop(solve(crossprod(x, w * x), crossprod(x, w * (y[g, ] - mu) / mu)))
  }
  mu <- s * exp(drop(x %*% b)); w <- mu / (1 + given[g] * mu)
  list(b = b, se = sqrt(diag(solve(crossprod(x, w * x)))), deviance = fit$deviance)
}
glms <- lapply(1:60, function(g) regression(g, cells))
tied <- function(which) sapply(1:60, function(g) regression(g, merged(which))$deviance)
coefficient <- function(name) sapply(glms, function(fit) fit$b[[name]])
error <- function(name) sapply(glms, function(fit) fit$se[[name]])
genes$glmA <- coefficient("groupA"); genes$glmB <- coefficient("groupB"); genes$glmy <- coefficient("batchy")
genes$glmz <- coefficient("batchz"); genes$glmmito <- coefficient("mito")
genes$seA <- error("groupA"); genes$seB <- error("groupB")
genes$glmdeviance <- sapply(glms, function(fit) fit$deviance)
genes$glmlrtA <- tied("A") - genes$glmdeviance; genes$glmlrtB <- tied("B") - genes$glmdeviance
write.csv(format(genes, digits = 15), file.path(folder, "genes.csv"), quote = FALSE)
