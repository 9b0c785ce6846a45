"""Make `sepsis_cohort.csv`: 6,000 invented patients admitted with sepsis to five centres.

    python examples/make_cohort.py

Everything is drawn from the distributions below with a fixed seed; no patient stands behind any
row. Death follows a Weibull proportional-hazards model (shape 0.55) whose log hazard ratios are
`EFFECTS`, so that an analysis can be compared with what was put in. Values go missing for known
reasons: laboratory values less often in the sick, lactate mostly outside one centre, the
outcome when follow-up ends before day 30.

Licence of the script: MIT, as the rest of Clinstat; of the file that it writes: CC0.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

SEED = 20250114
ROWS = 6_000
CENTRES = ("Central", "East", "North", "South", "West")
# Log hazard ratios of death.
EFFECTS = {
    "age, per 10 years": 0.28,
    "male": 0.10,
    "body mass index, per 5 kg/m2": -0.06,
    "diabetes": 0.12,
    "kidney disease": 0.30,
    "cancer": 0.45,
    "current smoker": 0.18,
    "stage III": 0.85,
    "stage II": 0.35,
    "lactate, per mmol/L": 0.13,
    "albumin, per 10 g/L": -0.40,
    "early bundle": -0.22,
}
_SHAPE = 0.55
_BASE_LOG_HAZARD = -4.05


def _yes_no(flags: NDArray[np.bool_]) -> NDArray[np.str_]:
    return np.where(flags, "yes", "no")


def _text(values: NDArray[np.generic], decimals: int, missing: NDArray[np.bool_]) -> list[str]:
    return [
        "" if gone else f"{value:.{decimals}f}" for value, gone in zip(values, missing, strict=True)
    ]


def _draw_patients(rng: np.random.Generator) -> dict[str, NDArray[np.generic]]:
    """Who the patients are: demography, comorbidity, severity, treatment."""
    n = ROWS
    age = np.clip(np.round(rng.normal(64, 16, n)), 18, 99)
    drawn: dict[str, NDArray[np.generic]] = {
        "centre": rng.choice(len(CENTRES), n, p=[0.34, 0.12, 0.18, 0.21, 0.15]),
        "age": age,
        "male": rng.random(n) < 0.56,
        "bmi": np.clip(rng.gamma(22, 1.12, n), 13, 55),
        "smoking": rng.choice(3, n, p=[0.52, 0.29, 0.19]),
        "diabetes": rng.random(n) < 0.16 + 0.0025 * (age - 18),
        "hypertension": rng.random(n) < 0.10 + 0.006 * (age - 18),
        "kidney": rng.random(n) < 0.03 + 0.0025 * (age - 18),
        "cancer": rng.random(n) < 0.11,
    }
    severity = rng.normal(0, 1, n) + 0.012 * (age - 64)
    drawn["severity"] = severity
    drawn["stage"] = np.digitize(severity, [0.15, 1.15])
    drawn["bundle"] = rng.random(n) < 1 / (1 + np.exp(-(0.2 + 0.25 * severity)))
    return drawn


def _draw_measurements(
    rng: np.random.Generator, who: dict[str, NDArray[np.generic]]
) -> dict[str, NDArray[np.generic]]:
    """Vital signs and laboratory values on admission."""
    n, s = ROWS, who["severity"]
    return {
        "sbp": np.clip(np.round(118 - 11 * s + rng.normal(0, 17, n)), 45, 230),
        "heart_rate": np.clip(np.round(98 + 7 * s + rng.normal(0, 17, n)), 38, 200),
        "temperature": np.clip(38.1 + 0.2 * s + rng.normal(0, 0.9, n), 33, 42),
        "haemoglobin": np.clip(11.6 + 0.9 * who["male"] - 0.3 * s + rng.normal(0, 1.9, n), 4, 20),
        "leucocytes": np.clip(np.exp(2.45 + 0.10 * s + rng.normal(0, 0.5, n)), 0.3, 90),
        "platelets": np.clip(np.round(np.exp(5.35 - 0.14 * s + rng.normal(0, 0.45, n))), 5, 900),
        "creatinine": np.clip(
            np.round(np.exp(4.45 + 0.16 * s + 0.75 * who["kidney"] + rng.normal(0, 0.4, n))),
            30, 1400,
        ),
        "albumin": np.clip(31 - 2.2 * s + rng.normal(0, 4.8, n), 12, 52),
        "crp": np.clip(np.exp(4.5 + 0.25 * s + rng.normal(0, 0.85, n)), 0.3, 560),
        "lactate": np.clip(np.exp(0.68 + 0.33 * s + rng.normal(0, 0.42, n)), 0.4, 20),
    }  # fmt: skip


def _draw_outcome(
    rng: np.random.Generator,
    who: dict[str, NDArray[np.generic]],
    lab: dict[str, NDArray[np.generic]],
) -> dict[str, NDArray[np.generic]]:
    """Time to death or to the end of follow-up, length of stay, readmissions."""
    e = EFFECTS
    log_hazard = (
        _BASE_LOG_HAZARD
        + e["age, per 10 years"] * (who["age"] - 64) / 10
        + e["male"] * who["male"]
        + e["body mass index, per 5 kg/m2"] * (who["bmi"] - 24.6) / 5
        + e["diabetes"] * who["diabetes"]
        + e["kidney disease"] * who["kidney"]
        + e["cancer"] * who["cancer"]
        + e["current smoker"] * (who["smoking"] == 2)
        + e["stage II"] * (who["stage"] == 1)
        + e["stage III"] * (who["stage"] == 2)
        + e["lactate, per mmol/L"] * (lab["lactate"] - 2.2)
        + e["albumin, per 10 g/L"] * (lab["albumin"] - 31) / 10
        + e["early bundle"] * who["bundle"]
    )
    death = (rng.exponential(1, ROWS) / np.exp(log_hazard)) ** (1 / _SHAPE)
    end = rng.uniform(180, 730, ROWS)
    lost = rng.random(ROWS) < 0.03
    end[lost] = rng.uniform(3, 180, lost.sum())
    days = np.maximum(1, np.ceil(np.minimum(death, end)))
    died = death <= end
    stay = np.ceil(np.exp(1.9 + 0.22 * who["severity"] + rng.normal(0, 0.6, ROWS)))
    return {
        "days": days,
        "died": died,
        "died_30d": died & (days <= 30),
        "unknown_30d": ~died & (days < 30),
        "stay": np.clip(np.minimum(stay, days), 1, 120),
        "readmissions": rng.poisson(np.where(died & (days < 90), 0.05, 0.45)),
    }


def _draw_missing(
    rng: np.random.Generator, who: dict[str, NDArray[np.generic]]
) -> dict[str, NDArray[np.bool_]]:
    """Which measurements were not made: fewer gaps in the sick, lactate by centre."""
    sick = 1 / (1 + np.exp(0.6 * who["severity"]))
    chance = {
        "bmi": 0.12 * sick, "smoking": np.full(ROWS, 0.04), "temperature": 0.02 * sick,
        "platelets": 0.03 * sick, "albumin": 0.22 * sick, "crp": 0.09 * sick,
        "lactate": np.where(who["centre"] == 0, 0.04, 0.22) * 2 * sick,
    }  # fmt: skip
    return {name: rng.random(ROWS) < probability for name, probability in chance.items()}


def make_cohort() -> dict[str, list[str]]:
    """Column name -> cell texts, in the order of the file."""
    rng = np.random.default_rng(SEED)
    who = _draw_patients(rng)
    lab = _draw_measurements(rng, who)
    end = _draw_outcome(rng, who, lab)
    gone = _draw_missing(rng, who)
    none = np.zeros(ROWS, dtype=bool)
    admitted = np.datetime64("2021-01-01") + np.sort(rng.integers(0, 1095, ROWS))
    smoking = np.array(["never", "former", "current"])[who["smoking"]]
    unknown = end["unknown_30d"]
    return {
        "patient_id": [f"P{number:05d}" for number in range(1, ROWS + 1)],
        "centre": [CENTRES[c] for c in who["centre"]],
        "admission_date": [str(day) for day in admitted],
        "age (years)": _text(who["age"], 0, none),
        "sex": list(np.where(who["male"], "male", "female")),
        "bmi (kg/m2)": _text(who["bmi"], 1, gone["bmi"]),
        "smoking": ["" if g else s for s, g in zip(smoking, gone["smoking"], strict=True)],
        "diabetes": list(_yes_no(who["diabetes"])),
        "hypertension": list(_yes_no(who["hypertension"])),
        "kidney_disease": list(_yes_no(who["kidney"])),
        "cancer": [str(int(flag)) for flag in who["cancer"]],
        "stage": [("I", "II", "III")[s] for s in who["stage"]],
        "early_bundle": list(_yes_no(who["bundle"])),
        "systolic_bp (mmHg)": _text(lab["sbp"], 0, none),
        "heart_rate (/min)": _text(lab["heart_rate"], 0, none),
        "temperature (°C)": _text(lab["temperature"], 1, gone["temperature"]),
        "haemoglobin (g/dL)": _text(lab["haemoglobin"], 1, none),
        "leucocytes (10^9/L)": _text(lab["leucocytes"], 1, none),
        "platelets (10^9/L)": _text(lab["platelets"], 0, gone["platelets"]),
        "creatinine (umol/L)": _text(lab["creatinine"], 0, none),
        "albumin (g/L)": _text(lab["albumin"], 0, gone["albumin"]),
        "crp (mg/L)": _text(lab["crp"], 1, gone["crp"]),
        "lactate (mmol/L)": _text(lab["lactate"], 1, gone["lactate"]),
        "length_of_stay (days)": _text(end["stay"], 0, none),
        "readmissions": _text(end["readmissions"], 0, none),
        "died_30d": [
            "" if u else d for d, u in zip(_yes_no(end["died_30d"]), unknown, strict=True)
        ],
        "follow_up (days)": _text(end["days"], 0, none),
        "died": [str(int(flag)) for flag in end["died"]],
    }


def main() -> None:
    """Write the file beside this script."""
    cohort = make_cohort()
    path = Path(__file__).parent / "sepsis_cohort.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(cohort)
        writer.writerows(zip(*cohort.values(), strict=True))


if __name__ == "__main__":
    main()
