import Glibc
import OCIRuntime

exit(OCICommand.run(CommandLine.arguments))
