import Daemon
import Glibc

StandardStreams.holdClosed()
// Before any other thread is there, so that every thread inherits it.
TerminationSignals.prepare(command: CommandLine.arguments.dropFirst().first ?? "")
Task.detached { exit(await Swiftlet.run(Array(CommandLine.arguments.dropFirst()))) }
// This thread only keeps what is blocked: an asynchronous main would hand it to libdispatch, which opens it to all signals.
while true { pause() }
