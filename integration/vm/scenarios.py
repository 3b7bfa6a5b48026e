"""The scenarios: what is booted, how often, and what the host does meanwhile."""

from dataclasses import dataclass
from typing import Callable


@dataclass
class Scenario:
    name: str
    summary: str
    run: Callable
    is_optional: bool = False


def limits(session):
    session.boot(["package", "limits"], 900)


ALL = [
    Scenario("limits", "the package installed; memory, CPU and process limits held by the kernel", limits),
]
