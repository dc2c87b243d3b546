# Estimates that R computes, to hold ours against: Rscript tests/oracles/estimates.R tests/oracles/estimates.json
# Data that come with R: leukaemia remissions (gehan) and anorexia, both in MASS.
suppressMessages({library(survival); library(MASS); library(sandwich); library(jsonlite)})
times <- survdiff(Surv(time, cens) ~ treat, gehan)
curve <- summary(survfit(Surv(time, cens) ~ 1, subset(gehan, treat == "6-MP"), conf.type = "log-log"))
weights <- droplevels(subset(anorexia, Treat %in% c("FT", "Cont")))
fit <- lm(Postwt ~ I(Treat == "FT") + Prewt, weights)
se <- sqrt(diag(vcovHC(fit, type = "HC3")))[2]
reach <- qt(0.975, fit$df.residual) * se
written <- toJSON(list(
  R = R.version.string, survival = as.character(packageVersion("survival")), sandwich = as.character(packageVersion("sandwich")),
  log_rank = list(days = gehan$time, event = gehan$cens, group = as.character(gehan$treat), chi_squared = times$chisq),
  kaplan_meier = list(group = "6-MP", day = curve$time, survival = curve$surv, low = curve$lower, high = curve$upper),
  ancova = list(value = weights$Postwt, group = as.character(weights$Treat), baseline = weights$Prewt,
                difference = coef(fit)[[2]], low = coef(fit)[[2]] - reach[[1]], high = coef(fit)[[2]] + reach[[1]],
                p = 2 * pt(-abs(coef(fit)[[2]] / se[[1]]), fit$df.residual))
), digits = NA, auto_unbox = TRUE)
writeLines(written, commandArgs(trailingOnly = TRUE)[1])
