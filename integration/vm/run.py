"""Boots virtual machines into the guest suite and counts what it reports.

usage: run.py --payload DISK --image FOLDER [--list] [--only NAME] [--keep]
"""

import argparse
import os
import shutil
import sys
import tempfile
import time

import machine
import scenarios


# A boot takes 9 to 30 s under software emulation.
BOOT_SECONDS = 240


class Counts:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def ok(self, name, seconds=None):
        self.passed += 1
        print(f"ok    {name}" + (f" ({seconds:.0f} s)" if seconds is not None else ""), flush=True)

    def fail(self, name, detail):
        self.failed += 1
        print(f"FAIL  {name}\n      " + detail.replace("\\n", "\n      "), flush=True)

    def skip(self, name, why):
        self.skipped += 1
        print(f"skip  {name}: {why}", flush=True)


class Session:
    """One scenario's machine and the way its report is read."""

    def __init__(self, vm, counts):
        self.vm, self.counts, self.log = vm, counts, []

    def boot(self, suites, seconds, asked=None, listen=None, until=None, parameters=""):
        """Boots into the suites, with `parameters` for the kernel, and reads on until the machine ends; the lines that were no checks.

        `asked(text)` is called for what the guest asks of the host; its answer goes back, None ends the reading. `listen(verb, text)` sees every
        line, and True from it ends the reading with the machine still running. So does the moment (monotonic seconds) that `until()` gives,
        None while there is none.
        """
        began = time.monotonic()
        if not self.comes_up(suites, parameters):
            return
        deadline = began + seconds
        check_began, ended = began, False
        try:
            while (line := self.vm.read_line(min(deadline, until and until() or deadline))) is not None:
                verb, _, text = line.partition(" ")
                if verb == "begin":
                    check_began = time.monotonic()
                elif verb == "ok":
                    self.counts.ok(text, time.monotonic() - check_began)
                elif verb == "FAIL":
                    name, _, detail = text.partition("\t")
                    self.counts.fail(name, detail)
                elif verb == "skip":
                    name, _, why = text.partition("\t")
                    self.counts.skip(name, why)
                elif verb == "note":
                    print(f"      {text}", flush=True)
                elif verb == "end":
                    ended = True
                elif verb == "ask":
                    answer = asked(text) if asked else "nobody answers"
                    if answer is None:
                        return
                    self.vm.answer(answer)
                if listen and listen(verb, text):
                    return
            if not ended:
                self.broke_off(suites, "the machine ended before the suite did")
        except TimeoutError:
            if until and until() and time.monotonic() < deadline:
                return
            self.broke_off(suites, f"no end within {seconds} s")
        finally:
            if listen is None or ended:
                self.vm.cut_power()

    def comes_up(self, suites, parameters):
        """Starts the machine; whether its suite began. An emulated machine stands still once in a great many boots: it says what it still can, and gets
        a second try."""
        for is_last in (False, True):
            began = time.monotonic()
            self.vm.start(suites, parameters)
            try:
                line = self.vm.read_line(began + BOOT_SECONDS)
            except TimeoutError:
                why = f"not booted within {BOOT_SECONDS} s. {self.vm.last_words()}"
                self.vm.cut_power()
                if is_last:
                    self.counts.fail(f"{','.join(suites)} in the virtual machine", why)
                else:
                    print(f"      {why}\n      booting again", flush=True)
                continue
            if line is None or not line.startswith("boot "):
                self.broke_off(suites, f"the machine began with {line!r}")
                return False
            print(f"      booted after {time.monotonic() - began:.0f} s ({line.removeprefix('boot ')})", flush=True)
            return True
        return False

    def boot_again(self, suites, seconds):
        """A machine that restarts by itself: waits for the end of this boot's process, then boots its disk into the suites."""
        began = time.monotonic()
        self.vm.wait(240)
        print(f"      the machine went down in {time.monotonic() - began:.0f} s", flush=True)
        self.boot(suites, seconds)

    def broke_off(self, suites, why):
        self.counts.fail(f"{','.join(suites)} in the virtual machine", f"{why}. {self.vm.last_words()}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--payload")
    parser.add_argument("--image")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--keep", action="store_true", help="leave disks and consoles for a look")
    options = parser.parse_args()
    if options.list:
        for scenario in scenarios.ALL:
            print(f"{scenario.name:12} {scenario.summary}")
        return 0
    chosen = [scenario for scenario in scenarios.ALL if not options.only and not scenario.is_optional or scenario.name in options.only]
    unknown = set(options.only) - {scenario.name for scenario in scenarios.ALL}
    if unknown:
        print(f"vm: no scenario {', '.join(sorted(unknown))}; --list names them", file=sys.stderr)
        return 2
    accel = machine.accelerator(options.image)
    print(f"      the machines run under {'KVM' if accel == 'kvm' else 'software emulation'}", flush=True)
    counts = Counts()
    folder = tempfile.mkdtemp(prefix="swiftlet-vm-")
    try:
        for scenario in chosen:
            print(f"-- {scenario.name}: {scenario.summary}", flush=True)
            began = time.monotonic()
            vm = machine.Machine(options.image, options.payload, os.path.join(folder, scenario.name), accel=accel, data=scenario.data)
            try:
                scenario.run(Session(vm, counts))
            except machine.MachineError as error:
                counts.fail(scenario.name, str(error))
            finally:
                vm.cut_power()
            print(f"      {scenario.name} took {time.monotonic() - began:.0f} s", flush=True)
    finally:
        if options.keep:
            print(f"kept: {folder}")
        else:
            shutil.rmtree(folder)
    print(f"vm: {counts.passed} passed, {counts.failed} failed, {counts.skipped} skipped")
    return 1 if counts.failed else 0


sys.exit(main())
