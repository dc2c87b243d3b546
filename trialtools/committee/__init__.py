"""Trial data, a cutoff and an audience go in; the open or the closed report of an interim look comes out."""

from .leaks import Leak, leaks

__all__ = ["Leak", "leaks"]


def is_interim(notebook):
    from ..report import declared_parameters
    from ..report.run import read_notebook

    return "audience" in declared_parameters(read_notebook(notebook))


def runs(notebook, given, out, sites, ledger, key, pdf):
    raise NotImplementedError
