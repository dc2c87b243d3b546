# Designs that rpact computes, to hold ours against: Rscript tests/oracles/rpact.R tests/oracles/rpact.json
# Looks lie at least 0.12 of the planned information apart: with closer ones rpact itself errs by more than 2e-6.
suppressMessages({library(rpact); library(jsonlite)})
set.seed(20230105)
kinds <- c("asOF", "asP", "asHSD", "asKD", "OF", "P", "WT")
designs <- lapply(1:140, function(i) {
  kind <- kinds[(i - 1) %% length(kinds) + 1]
  K <- sample(1:6, 1)
  repeat {
    cuts <- if (K > 1) sort(round(runif(K - 1, 0.12, 0.88), 3)) else numeric(0)
    rates <- c(cuts, 1)
    if (min(diff(c(0, rates))) >= 0.12) break
  }
  sided <- sample(1:2, 1); alpha <- round(runif(1, 0.005, 0.1), 4)
  gamma <- if (kind == "asHSD") round(runif(1, -5, 2), 2) else if (kind == "asKD") round(runif(1, 0.5, 4), 2) else NULL
  delta <- if (kind == "WT") round(runif(1, 0, 0.7), 2) else NULL
  arguments <- list(informationRates = rates, alpha = alpha, sided = sided, beta = 0.2, typeOfDesign = kind, kMax = K)
  if (!is.null(gamma)) arguments$gammaA <- gamma
  if (!is.null(delta)) arguments$deltaWT <- delta
  design <- suppressWarnings(do.call(getDesignGroupSequential, arguments))
  list(kind = kind, sides = sided, alpha = alpha, gamma = gamma, shape = delta, information = rates,
       z = design$criticalValues, spent = design$alphaSpent)
})
looks <- list(c(60, 130, 200), c(80, 200), c(50, 90, 150, 220))
analyses <- lapply(1:9, function(i) {
  events <- looks[[(i - 1) %% 3 + 1]]
  design <- getDesignGroupSequential(informationRates = events / max(events), alpha = 0.025, typeOfDesign = if (i %% 2) "asOF" else "asP")
  # the z of every look but the last stay inside the bounds, the last one may cross
  z <- round(c(runif(length(events) - 1, -0.5, 1.6), runif(1, 1.2, 3.2)), 3)
  data <- getDataset(overallEvents = events, overallLogRanks = z, overallAllocationRatios = rep(1, length(events)))
  found <- suppressWarnings(suppressMessages(getAnalysisResults(design, data, directionUpper = TRUE)))
  list(spending = if (i %% 2) "obrien-fleming" else "pocock", events = events, z = z,
       repeated_p = as.numeric(found$repeatedPValues), low = as.numeric(found$repeatedConfidenceIntervalLowerBounds),
       final_p = as.numeric(found$finalPValues), final_low = as.numeric(found$finalConfidenceIntervalLowerBounds),
       final_high = as.numeric(found$finalConfidenceIntervalUpperBounds), estimate = as.numeric(found$medianUnbiasedEstimates))
})
# more looks than six, evenly and unevenly apart: at least 0.06 here, where rpact still keeps its 2e-6
larger <- lapply(1:70, function(i) {
  kind <- kinds[(i - 1) %% length(kinds) + 1]
  K <- 7 + (i - 1) %/% length(kinds) %% 4
  rates <- (1:K) / K
  if (i > 35) repeat {
    rates <- c(sort(round(runif(K - 1, 0.1, 0.95), 3)), 1)
    if (min(diff(c(0, rates))) >= min(0.06, 0.6 / K)) break
  }
  sided <- sample(1:2, 1); alpha <- round(runif(1, 0.005, 0.1), 4)
  gamma <- if (kind == "asHSD") round(runif(1, -5, 2), 2) else if (kind == "asKD") round(runif(1, 0.5, 4), 2) else NULL
  delta <- if (kind == "WT") round(runif(1, 0, 0.7), 2) else NULL
  arguments <- list(informationRates = rates, alpha = alpha, sided = sided, beta = 0.2, typeOfDesign = kind, kMax = K)
  if (!is.null(gamma)) arguments$gammaA <- gamma
  if (!is.null(delta)) arguments$deltaWT <- delta
  design <- suppressWarnings(do.call(getDesignGroupSequential, arguments))
  list(kind = kind, sides = sided, alpha = alpha, gamma = gamma, shape = delta, information = rates,
       z = design$criticalValues, spent = design$alphaSpent)
})
# futility that does not bind, by spending beta with the same family and gamma
futile <- lapply(1:32, function(i) {
  kind <- c("OF", "P", "HSD", "KD")[(i - 1) %% 4 + 1]
  K <- sample(2:6, 1)
  repeat {
    rates <- c(sort(round(runif(K - 1, 0.12, 0.9), 3)), 1)
    if (min(diff(c(0, rates))) >= 0.1) break
  }
  alpha <- round(runif(1, 0.01, 0.05), 4); beta <- round(runif(1, 0.05, 0.3), 3)
  gamma <- if (kind == "HSD") round(runif(1, -5, 1), 2) else if (kind == "KD") round(runif(1, 0.8, 4), 2) else NULL
  arguments <- list(informationRates = rates, alpha = alpha, sided = 1, beta = beta, kMax = K, bindingFutility = FALSE,
                    typeOfDesign = paste0("as", kind), typeBetaSpending = paste0("bs", kind))
  if (!is.null(gamma)) arguments <- c(arguments, gammaA = gamma, gammaB = gamma)
  design <- suppressWarnings(do.call(getDesignGroupSequential, arguments))
  list(kind = paste0("as", kind), alpha = alpha, beta = beta, gamma = gamma, information = rates,
       z = design$criticalValues, futility = design$futilityBounds, shift = getDesignCharacteristics(design)$shift)
})
written <- toJSON(list(rpact = as.character(packageVersion("rpact")), R = R.version.string,
                       designs = designs, analyses = analyses,
                       larger = larger, futile = futile), digits = NA, auto_unbox = TRUE, na = "null")
writeLines(written, commandArgs(trailingOnly = TRUE)[1])
