"""The suite that runs inside the virtual machine: the parts named on the kernel's command line, one after the other."""

import importlib
import os
import re
import sys
import time

from report import Report, read


def main():
    suites = re.search(r"vm\.suites=(\S+)", read("/proc/cmdline")).group(1).split(",")
    report = Report()
    report.say("boot", f"{read('/proc/uptime').split()[0]} {os.uname().release}")
    for name in suites:
        report.say("suite", name)
        try:
            importlib.import_module(name).run(report)
        except Exception as error:
            report.say("FAIL", f"{name} broke off\t{error!r}")
            sys.excepthook(*sys.exc_info())
    report.say("end", read("/proc/uptime").split()[0])
    time.sleep(0.5)
    if "vm.stay" not in read("/proc/cmdline"):
        os.sync()
        with open("/proc/sysrq-trigger", "w") as file:
            file.write("o")


main()
