"""Taking the package away with pods running leaves the machine as it was found."""

import json

from report import read
from service import footprint, removal


def before():
    """Kept by the first suite of a boot, before anything is installed."""
    with open("/run/vm-footprint", "w") as file:
        json.dump({kind: sorted(items) for kind, items in footprint().items()}, file)


def run(report):
    found = {kind: set(items) for kind, items in json.loads(read("/run/vm-footprint")).items()}
    report.check("purging the package with pods running leaves nothing", removal, found)
