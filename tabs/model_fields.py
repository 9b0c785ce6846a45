"""Fields that all models share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tabs.form import (
    Field,
    Fold,
    ManyColumns,
    OneColumn,
    OneOf,
    References,
    Switch,
    Units,
    Words,
)
from tabs.typed import ci_level_of, seed_of

CI_LEVEL = Words("ci_level", "Confidence level, %", read=ci_level_of, default="95")
INTERVAL = OneOf(
    "interval", "Confidence interval", {"profile": "Profile likelihood", "wald": "Wald"}
)
METHOD = OneOf(
    "method", "Estimation",
    {
        "auto": "Automatic: Firth only where data separate",
        "likelihood": "Maximum likelihood",
        "firth": "Firth's penalised likelihood",
    },
)  # fmt: skip
CLUSTER = OneColumn(
    "cluster", "Rows that belong together (optional)", of_kind="any", none="Every row stands alone",
    hint="For example the patient or the centre; standard errors then allow for it.",
)  # fmt: skip


def seed(what: str) -> Words:
    """The seed of what is drawn at random."""
    return Words("seed", f"Seed of {what}", read=seed_of, default="1")


def predictors(*without: str, least: int = 0) -> tuple[Field, ...]:
    """The predictors and, of them, an exposure; reference levels."""
    return (
        ManyColumns("predictors", "Predictors", without=without, least=least),
        OneColumn(
            "exposure", "Exposure (optional)", among="predictors",
            none="None: all predictors alike",
        ),
        References("references", "Reference levels", of=("predictors",)),
    )  # fmt: skip


#: Choices by the data; the words do not recommend them.
_BY_DATA = {
    "screen:0.2": "Those with a crude p below 0.2 (not advised)",
    "backward:aic": "Those left by backward elimination on AIC (not advised)",
}


def adjustment(*, by_data: bool = False, crude: bool = True) -> Fold:
    """Which predictors the adjusted model holds; `by_data` offers selections too, `crude` the rows
    of the crude models."""
    fields: tuple[Field, ...] = (
        OneOf(
            "adjust", "The adjusted model holds",
            {"all": "All predictors", "chosen": "Chosen predictors"}
            | (_BY_DATA if by_data else {}),
            as_buttons=True,
        ),
        ManyColumns(
            "adjust_for", "In the adjusted model", among="predictors", least=0,
            when=("adjust", "chosen"),
        ),
    )  # fmt: skip
    if crude:
        fields += (Switch("common_sample", "Crude estimates on the rows of the adjusted model"),)
    return Fold("Adjustment", fields)


def units(of_what: str) -> Fold:
    """Per how many units effects are told."""
    return Fold(f"Units of {of_what}", (Units("scale", "Units", of="predictors"),))


def curves() -> Fold:
    """Which continuous predictors may bend, and with how many knots."""
    return Fold(
        "Curved effects",
        (
            ManyColumns(
                "splines", "Restricted cubic splines of", of_kind="numeric", among="predictors",
                least=0, ticked_up_to=0,
            ),
            OneOf("knots", "Knots", {"4": "4", "3": "3", "5": "5"}),
        ),
    )  # fmt: skip


def with_curves(choices: Mapping[str, Any]) -> dict[str, Any]:
    """Splines as the analysis takes them: name -> knots."""
    kept = {name: value for name, value in choices.items() if name != "knots"}
    knots = int(choices.get("knots") or 4)
    return with_adjustment({**kept, "splines": dict.fromkeys(choices.get("splines") or (), knots)})


def with_adjustment(choices: Mapping[str, Any]) -> dict[str, Any]:
    """`adjust` as the analysis takes it: "all" or the list."""
    chosen = choices.get("adjust_for")
    kept = {name: value for name, value in choices.items() if name != "adjust_for"}
    return kept if chosen is None else {**kept, "adjust": chosen}
