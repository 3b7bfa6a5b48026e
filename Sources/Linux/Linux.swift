/// What starts containers is a module of its own, for programs that need nothing else; here it is part of the machine.
@_exported import Launch
