"""The clauses of the runtime specification, each by its effect as seen inside the container.
usage, as root: check.py RUNTIME [NAME]..."""
import sys
import traceback

import attacks
import clauses
import lifecycle
import refusals
from bundle import Failure, Runtime


class Skip(Exception):
    pass


def main():
    program, chosen = sys.argv[1], sys.argv[2:]
    runtime = Runtime(program)
    passed, failed, skipped = 0, 0, 0
    tests = [(name, test) for part in (clauses, lifecycle, refusals, attacks)
             for name, test in vars(part).items() if name.startswith("test_") and test.__module__ == part.__name__]
    try:
        for name, test in tests:
            if chosen and not any(word in name for word in chosen):
                continue
            title = (test.__doc__ or name).strip().rstrip(".")
            try:
                reason = test(runtime)
                if isinstance(reason, str):
                    print(f"skip  {title}: {reason}")
                    skipped += 1
                else:
                    print(f"ok    {title}")
                    passed += 1
            except Exception as error:  # noqa: any fault of a test is its failure
                print(f"FAIL  {title} ({name}): {error or 'the assertion does not hold'}")
                if not isinstance(error, Failure):
                    print("      " + traceback.format_exc().strip().splitlines()[-3].strip())
                failed += 1
            sys.stdout.flush()
    finally:
        runtime.clean()
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    sys.exit(failed != 0)


main()
