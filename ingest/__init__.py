"""Uploads as typed tables: hostile input stops here, and nothing is altered silently."""

from ingest.propose import propose_variables
from ingest.reader import read_table
from ingest.report import Imported, ImportNote, ImportReport, ReadChoices, ReadLimits

__all__ = [
    "ImportNote",
    "ImportReport",
    "Imported",
    "ReadChoices",
    "ReadLimits",
    "propose_variables",
    "read_table",
]
