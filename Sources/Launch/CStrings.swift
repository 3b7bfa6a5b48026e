import Glibc

/// Runs `body` with a NULL-terminated array of C strings.
package func withCStrings<Result>(
    _ texts: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result
) -> Result {
    var array: [UnsafeMutablePointer<CChar>?] = texts.map { strdup($0) }
    array.append(nil)
    defer { for text in array { free(text) } }
    return array.withUnsafeBufferPointer { body($0.baseAddress!) }  // SAFETY: it holds at least the nil
}

func withCStrings<Result>(
    _ first: [String], _ second: [String],
    _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>, UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result
) -> Result {
    withCStrings(first) { first in withCStrings(second) { second in body(first, second) } }
}
