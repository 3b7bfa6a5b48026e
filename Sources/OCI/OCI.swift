/// The files' readers are a module of their own, without cryptography, for programs that start in a millisecond.
@_exported import OCISpecification
