import Glibc

exit(OCICommand.run(OCICommand.arguments()))
