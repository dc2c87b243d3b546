"""What axe-core finds serious in a page, in light and in dark."""

from typing import Any

_SERIOUS = """async ([part, rules]) => {
  const { violations } = await axe.run(part, { resultTypes: ["violations"], ...rules });
  const told = (node) => node.html.slice(0, 160) + " " + node.failureSummary;
  return violations.filter((each) => ["serious", "critical"].includes(each.impact))
    .map((each) => each.id + ": " + each.nodes.slice(0, 3).map(told).join(" | "));
}"""
THEMES = {"light": {}, "dark": {"runOnly": ["color-contrast", "link-in-text-block"]}}
"""By theme the rules that are asked: the dark one changes colours and nothing else."""


def serious(page: Any, part: str, theme: str) -> list[str]:
    """The faults of a part of a page, which has that theme already and axe in it."""
    return page.evaluate(_SERIOUS, [part, THEMES[theme]])
