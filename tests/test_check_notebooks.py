"""The check of the notebooks finds what it is there to find, and cleans what a run leaves."""

import check_notebooks
import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3"}, "language_info": {"name": "python"}}


def write(folder, cell, metadata=KERNEL):
    folder.mkdir()
    nbformat.write(new_notebook(cells=[cell], metadata=metadata), folder / "lesson.ipynb")


def test_a_clean_notebook_passes(tmp_path):
    write(tmp_path / "notebooks", new_code_cell("import trialtools as tt", metadata={"tags": ["setup"]}))
    assert check_notebooks.main(fix=False, folder=tmp_path / "notebooks") == 0


@pytest.mark.parametrize(
    ("cell", "complaint"),
    [
        (new_code_cell("1", execution_count=3), "cell 1: an execution count"),
        (new_code_cell("1", outputs=[new_output("stream", text="1")]), "cell 1: outputs"),
        (new_code_cell("1", metadata={"collapsed": True}), "cell 1: metadata collapsed"),
        (new_code_cell("class Patient: ..."), "cell 1: class Patient"),
        (new_code_cell("f = lambda x: x"), "cell 1: lambda"),
        (new_code_cell("def f():\n" + "    1\n" * 5), "cell 1: def f of 6 lines, at most 5"),
        (new_code_cell("1\n" * 16), "cell 1: 16 lines of code, at most 15"),
        (new_code_cell("%pip install x"), "cell 1: not plain Python at its line 1: invalid syntax"),
    ],
)
def test_each_fault_is_named(tmp_path, capsys, cell, complaint):
    write(tmp_path / "notebooks", cell)
    assert check_notebooks.main(fix=False, folder=tmp_path / "notebooks") == 1
    assert f"notebooks/lesson.ipynb: {complaint}\n" in capsys.readouterr().err


def test_fix_removes_what_a_run_leaves(tmp_path):
    cell = new_code_cell("1", execution_count=3, outputs=[new_output("stream", text="1")], metadata={"trusted": True})
    write(tmp_path / "notebooks", cell, metadata={"kernelspec": {"name": "mine", "display_name": "Mine"}, "toc": {}})
    assert check_notebooks.main(fix=False, folder=tmp_path / "notebooks") == 1
    assert check_notebooks.main(fix=True, folder=tmp_path / "notebooks") == 0
