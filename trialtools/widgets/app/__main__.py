"""A folder of notebooks goes in, web pages come out: `python -m trialtools.widgets.app notebooks 8866`.

A front page names the tasks; each opens on a page of its own with a kernel of its own, which ends with the page. The
address holds a token, which is never an argument of a command, for others on the machine could read it there.
"""

from __future__ import annotations

import os
import secrets
import shutil
import sys
import tempfile
from pathlib import Path

from traitlets.config import Config
from voila.app import Voila

_HERE = Path(__file__).parent
_PORT = 8866
_PAGES = {
    "VoilaConfiguration": {
        "template": "trialtools",
        "classic_tree": True,
        "file_allowlist": [r".*\.(png|svg)"],
        "extension_denylist": ["jupyterlab-plotly", "jupyterlab_pygments"],  # 5 MB that no page of ours needs
    },
    "VoilaExecutor": {
        "cell_error_instruction": "This page could not be made. The terminal of make app says why; "
        "go back to the start page, or open the notebook in JupyterLab to see where it stopped."
    },
    # A page that is closed ends its kernel; of one that went away without a word, it ends a minute later.
    "MappingKernelManager": {"cull_idle_timeout": 60, "cull_interval": 15, "cull_connected": False},
}


def serve(folder: Path, port: int = _PORT) -> None:
    """Serve the notebooks of a folder as pages, on this machine only."""
    token = secrets.token_urlsafe(24)
    with tempfile.TemporaryDirectory() as share:
        shutil.copytree(_HERE / "share", share, dirs_exist_ok=True)
        shutil.copy(_HERE.parents[1] / "figures" / "tokens.css", Path(share) / "voila" / "templates" / "trialtools")
        os.environ["JUPYTER_PATH"] = os.pathsep.join(filter(None, [share, os.environ.get("JUPYTER_PATH")]))
        os.environ.setdefault("PLOTLY_RENDERER", "notebook")
        os.chdir(folder)
        print(f"Open http://127.0.0.1:{port}/?token={token}", flush=True)
        Voila.launch_instance(["."], token=token, port=port, port_retries=0, config=Config(_PAGES))


if __name__ == "__main__":
    folder, port = [*sys.argv[1:], *["notebooks", _PORT][len(sys.argv[1:]) :]]
    serve(Path(folder), int(port))
