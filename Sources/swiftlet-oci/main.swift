import Glibc
import OCIRuntime

exit(OCICommand.run(OCICommand.arguments()))
