"""Papers behind the analyses of tests, 2 x 2 tables, ROC curves, strata and correlations."""

from __future__ import annotations

from typing import Final

WILSON: Final = (
    "Wilson EB. Probable inference, the law of succession, and statistical inference. J Am Stat "
    "Assoc 1927;22:209-212. doi:10.1080/01621459.1927.10502953"
)
CLOPPER_PEARSON: Final = (
    "Clopper CJ, Pearson ES. The use of confidence or fiducial limits illustrated in the case of "
    "the binomial. Biometrika 1934;26:404-413. doi:10.1093/biomet/26.4.404"
)
SIMEL: Final = (
    "Simel DL, Samsa GP, Matchar DB. Likelihood ratios with confidence: sample size estimation for "
    "diagnostic test studies. J Clin Epidemiol 1991;44:763-770. doi:10.1016/0895-4356(91)90128-V"
)
NEWCOMBE: Final = (
    "Newcombe RG. Interval estimation for the difference between independent proportions: "
    "comparison of eleven methods. Stat Med 1998;17:873-890."
)
MERCALDO: Final = (
    "Mercaldo ND, Lau KF, Zhou XH. Confidence intervals for predictive values with an emphasis to "
    "case-control studies. Stat Med 2007;26:2170-2183. doi:10.1002/sim.2677"
)
KATZ: Final = (
    "Katz D, Baptista J, Azen SP, Pike MC. Obtaining confidence intervals for the risk ratio in "
    "cohort studies. Biometrics 1978;34:469-474. doi:10.2307/2530610"
)
KOOPMAN: Final = (
    "Koopman PAR. Confidence intervals for the ratio of two binomial proportions. Biometrics "
    "1984;40:513-517. doi:10.2307/2531405"
)
ALTMAN: Final = (
    "Altman DG. Confidence intervals for the number needed to treat. BMJ 1998;317:1309-1312. "
    "doi:10.1136/bmj.317.7168.1309"
)
WOOLF: Final = (
    "Woolf B. On estimating the relation between blood group and disease. Ann Hum Genet "
    "1955;19:251-253."
)
DELONG: Final = (
    "DeLong ER, DeLong DM, Clarke-Pearson DL. Comparing the areas under two or more correlated "
    "receiver operating characteristic curves: a nonparametric approach. Biometrics "
    "1988;44:837-845. doi:10.2307/2531595"
)
YOUDEN: Final = "Youden WJ. Index for rating diagnostic tests. Cancer 1950;3:32-35."
MANTEL_HAENSZEL: Final = (
    "Mantel N, Haenszel W. Statistical aspects of the analysis of data from retrospective studies "
    "of disease. J Natl Cancer Inst 1959;22:719-748."
)
ROBINS: Final = (
    "Robins J, Breslow N, Greenland S. Estimators of the Mantel-Haenszel variance consistent in "
    "both sparse data and large-strata limiting models. Biometrics 1986;42:311-323. "
    "doi:10.2307/2531052"
)
GREENLAND: Final = (
    "Greenland S, Robins JM. Estimation of a common effect parameter from sparse follow-up data. "
    "Biometrics 1985;41:55-68. doi:10.2307/2530643"
)
SATO: Final = (
    "Sato T. On the variance estimator for the Mantel-Haenszel risk difference. Biometrics "
    "1989;45:1323-1324. doi:10.2307/2531784"
)
BRESLOW_DAY: Final = (
    "Breslow NE, Day NE. Statistical methods in cancer research, vol. 1: the analysis of "
    "case-control studies. Lyon: IARC; 1980."
)
TARONE: Final = (
    "Tarone RE. On heterogeneity tests based on efficient scores. Biometrika 1985;72:91-95. "
    "doi:10.1093/biomet/72.1.91"
)
FISHER: Final = (
    "Fisher RA. Frequency distribution of the values of the correlation coefficient in samples "
    "from an indefinitely large population. Biometrika 1915;10:507-521."
)
BONETT_WRIGHT: Final = (
    "Bonett DG, Wright TA. Sample size requirements for estimating Pearson, Kendall and Spearman "
    "correlations. Psychometrika 2000;65:23-28. doi:10.1007/BF02294183"
)
FIELLER: Final = (
    "Fieller EC, Hartley HO, Pearson ES. Tests for rank correlation coefficients. I. Biometrika "
    "1957;44:470-481. doi:10.1093/biomet/44.3-4.470"
)
KENDALL: Final = (
    "Kendall MG. The treatment of ties in ranking problems. Biometrika 1945;33:239-251. "
    "doi:10.1093/biomet/33.3.239"
)
KNIGHT: Final = (
    "Knight WR. A computer method for calculating Kendall's tau with ungrouped data. J Am Stat "
    "Assoc 1966;61:436-439. doi:10.1080/01621459.1966.10480879"
)
BEST_ROBERTS: Final = (
    "Best DJ, Roberts DE. Algorithm AS 89: the upper tail probabilities of Spearman's rho. Appl "
    "Stat 1975;24:377-379. doi:10.2307/2347111"
)
