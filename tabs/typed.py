"""What typed fields mean: numbers, levels of confidence, seeds, units."""

from __future__ import annotations

from logic import BadInput

_MOST_NUMBERS = 50


def number_of(text: str) -> float:
    """A number with a point or a comma; NaN for anything else."""
    try:
        return float(text.strip().replace(",", "."))
    except ValueError:
        return float("nan")


def scale_of(name: str, text: str) -> float | str | None:
    """Units of an effect as typed: a number, SD or IQR; None for one unit."""
    typed = text.strip().casefold()
    if typed in ("", "1"):
        return None
    if typed in ("sd", "iqr"):
        return typed
    number = number_of(typed)
    if 0 < number < float("inf"):
        return None if number == 1 else number
    raise BadInput(
        f'The units of "{name}" must be a number above 0, SD or IQR, not "{text[:40]}".',
        column=name, rule="units", found=text[:40], hint='For example 10, or "SD".',
    )  # fmt: skip


def ci_level_of(text: str) -> float:
    """A confidence level as typed, in per cent (95 -> 0.95)."""
    percent = number_of(text.strip().rstrip("%"))
    if 50 <= percent < 100:
        return percent / 100
    raise BadInput(
        f'The confidence level must lie between 50 and 100 %, not "{text[:40]}".',
        rule="confidence level", found=text[:40], hint="The usual choice is 95.",
    )  # fmt: skip


def seed_of(text: str) -> int:
    """A seed as typed: a whole number of at most nine digits."""
    typed = text.strip()
    if typed.isdecimal() and len(typed) <= 9:
        return int(typed)
    raise BadInput(
        f'The seed must be a whole number, not "{text[:40]}".', rule="seed", found=text[:40],
        hint="The usual choice is 1.",
    )  # fmt: skip


def numbers_of(text: str) -> tuple[float, ...] | None:
    """Numbers separated by spaces or semicolons (commas too where points are decimal marks);
    None for an empty field."""
    parts = text.replace(";", " ").replace(", ", " ").split()
    if len(parts) == 1 and parts[0].count(",") > 1:
        parts = parts[0].split(",")
    if not parts:
        return None
    found = tuple(number_of(part) for part in parts)
    if len(found) <= _MOST_NUMBERS and all(abs(n) < float("inf") for n in found):
        return found
    raise BadInput(
        f'"{text[:40]}" is not a list of at most {_MOST_NUMBERS} numbers.',
        rule="numbers", found=text[:40], hint="Separate the numbers with spaces: 365 730 1825.",
    )  # fmt: skip


def optional_number(text: str) -> float | None:
    """A number, or None for an empty field."""
    if not text.strip():
        return None
    found = number_of(text)
    if abs(found) < float("inf"):
        return found
    raise BadInput(
        f'"{text[:40]}" is not a number.', rule="number", found=text[:40],
        hint="Type a number such as 1825, or leave the field empty.",
    )  # fmt: skip


def optional_percent(text: str) -> float | None:
    """A share typed in per cent (10 -> 0.1), or None for an empty field."""
    if not text.strip():
        return None
    found = number_of(text.strip().rstrip("%"))
    if 0 < found < 100:
        return found / 100
    raise BadInput(
        f'"{text[:40]}" is not a percentage between 0 and 100.', rule="percentage",
        found=text[:40], hint="Type for example 10, or leave the field empty.",
    )  # fmt: skip
