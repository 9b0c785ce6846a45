"""Survival, cumulative incidence and ROC curves share a class of result, each with its printer."""

from __future__ import annotations

from typing import Final

from presentation.printers import Printer, PrinterBook
from stats.result import CurveResult

CurvePrinter = Printer[CurveResult]
CURVES: Final = PrinterBook(CurveResult, kind=lambda result: result.curve)
