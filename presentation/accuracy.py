"""Three analyses of 2 x 2 tables return one class of result; each has a printer of its own."""

from __future__ import annotations

from typing import Final

from presentation.printers import Printer, PrinterBook
from stats.result import AccuracyResult

AccuracyPrinter = Printer[AccuracyResult]
ACCURACY: Final = PrinterBook(AccuracyResult, kind=lambda result: result.analysis, always_rows=True)
