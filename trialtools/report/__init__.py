"""A notebook and its parameters go in, a report comes out; of an interim look, an open and a closed one."""

from ..criteria.doors import lazy_door

__getattr__, __dir__ = lazy_door(
    __name__,
    {
        "batch": ("Run", "reports"),
        "errors": ("NotebookError", "ReportError"),
        "index": ("write_index",),
        "parameters": ("Parameter", "declared_parameters", "parse_parameters"),
        "qualification.record": ("Qualification", "qualify", "write_qualification"),
        "run": ("find_notebook",),
        "write": ("Report", "report"),
    },
)
