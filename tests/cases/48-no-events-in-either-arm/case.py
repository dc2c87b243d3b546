"""Score intervals of a risk difference where no arm has an event, against published numbers: 0 of 10 and 0 of 20."""

import trialtools as tt


def case():
    small, large = (tt.interim.risk_difference(cells) for cells in ((0, 10, 0, 20), (0, 101, 0, 105)))
    numbers = [small["low"], small["high"], large["low"], large["high"], small["z"]]
    return [round(each, 3) for each in numbers], [-0.166, 0.284, -0.035, 0.037, 0.0]
