"""Trial data, a cutoff and an audience go in; the open or the closed report of an interim look comes out.

Open means pooled: the arm is dropped before the notebook starts, and the finished files are searched for what could
tell it. Closed means by arm, which needs the key of the ledger (or data that carry the arm); it goes to a folder of its
own. Both are made by one notebook, from a cut of the data that is kept beside them.
"""

from .leaks import Leak, leaks, telling
from .runs import LeakError, committee_report, is_interim, runs

__all__ = ["Leak", "LeakError", "committee_report", "is_interim", "leaks", "runs", "telling"]
