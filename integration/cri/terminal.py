"""Types into a command at a terminal. usage: terminal.py LINE WORDS KEYS COMMAND..., which sends LINE until WORDS come, then KEYS (-: what its own input has),
and ends as the command does"""

import os
import pty
import select
import sys
import time

line, words, keys = (text.encode().decode("unicode_escape").encode("latin-1") for text in sys.argv[1:4])
if sys.argv[3] == "-":
    keys = sys.stdin.buffer.read()
process, terminal = pty.fork()
if process == 0:
    os.execvp(sys.argv[4], sys.argv[4:])
said, end = b"", time.monotonic() + 60
while words not in said:
    if time.monotonic() > end:
        sys.exit(f"{words} did not come: {said}")
    if select.select([terminal], [], [], 1)[0]:
        said += os.read(terminal, 4096)
    else:
        os.write(terminal, line)
while keys:
    keys = keys[os.write(terminal, keys):]
try:
    while os.read(terminal, 4096):
        pass
except OSError:
    pass
sys.exit(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]))
