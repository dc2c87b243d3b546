"""*Export as HTML* of JupyterLab: the figures of the notebook are in the page, and draw themselves."""

import urllib.request

import nbformat
from nbformat.v4 import new_code_cell, new_notebook, new_output

import trialtools as tt
from trialtools import figures


def test_an_exported_notebook_keeps_its_figures(browser, lab, project, root, tmp_path):
    screening = tt.screen(tt.load_protocol(root / "data/protocols/NCT05741099.yaml"), root / "data/cohort/cohort.csv")
    made = [figures.impact(screening.impact()), figures.upset(screening.overlap())]
    shown = [{"application/vnd.plotly.v1+json": figure.to_plotly_json()} for figure in made]
    cells = [new_code_cell("figure", outputs=[new_output("display_data", data)]) for data in shown]
    nbformat.write(new_notebook(cells=cells), project / "notebooks" / "exported.ipynb")
    address = f"{lab.address}/nbconvert/html/notebooks/exported.ipynb?download=true"
    with urllib.request.urlopen(
        urllib.request.Request(address, headers={"Referer": f"{lab.address}/lab"}), timeout=60
    ) as answer:
        (tmp_path / "exported.html").write_bytes(answer.read())
    page = browser.new_page()
    before = len(browser.outside)
    page.goto((tmp_path / "exported.html").as_uri())
    page.wait_for_selector("html[data-figures=drawn]", timeout=90_000)
    assert page.locator(".main-svg").count() >= 2 and page.locator(".undrawn").count() == 0
    page.close()
    del browser.outside[before:]  # JupyterLab's own page asks others for its mathematics
