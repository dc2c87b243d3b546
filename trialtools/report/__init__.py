"""A notebook and its parameters go in, a report comes out; of an interim look, an open and a closed one."""

from .batch import Run, reports
from .errors import NotebookError, ReportError
from .index import write_index
from .parameters import Parameter, declared_parameters, parse_parameters
from .run import find_notebook
from .write import Report, report

__all__ = [
    "NotebookError",
    "Parameter",
    "Report",
    "ReportError",
    "Run",
    "declared_parameters",
    "find_notebook",
    "parse_parameters",
    "report",
    "reports",
    "write_index",
]
