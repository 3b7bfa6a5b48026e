import Glibc

/// Runs `body` with a NULL-terminated array of C strings.
func withCStrings<Result>(
    _ texts: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result
) -> Result {
    var array: [UnsafeMutablePointer<CChar>?] = texts.map { strdup($0) }
    array.append(nil)
    defer { for text in array { free(text) } }
    return array.withUnsafeBufferPointer { body($0.baseAddress!) }  // SAFETY: it holds at least the nil
}
