import Glibc
import JSONTree
import Launch

/// Where messages go: a file that the caller named, or standard error; as text or as one JSON object a line.
package struct RuntimeLog: Sendable {
    package var path: String?
    package var isJSON = false

    package init(path: String? = nil, isJSON: Bool = false) {
        self.path = path
        self.isJSON = isJSON
    }

    /// An error where nothing can be written to the file: what happens later would be told to nobody.
    func check() throws(OCIRuntimeError) {
        guard let path, access(path, W_OK) != 0 else { return }
        do throws(KernelError) { _ = try open(path) } catch { throw .kernel(error) }
    }

    private func open(_ path: String) throws(KernelError) -> Descriptor {
        try Descriptor.open(path, O_WRONLY | O_CREAT | O_APPEND, mode: 0o644)
    }

    func warning(_ text: String) { write("warning", text, alsoHere: false) }

    /// A limit that does not hold: on standard error too, since engines read the file of a call that failed alone.
    func unheld(_ text: String) { write("warning", text, alsoHere: path != nil) }

    /// The last word of a call that failed: on standard error too, where people look.
    package func failure(_ text: String) { write("error", text, alsoHere: path != nil) }

    private func write(_ level: String, _ text: String, alsoHere: Bool) {
        var line = "swiftlet-oci: \(level == "error" ? "" : level + ": ")\(text)\n"
        if alsoHere || path == nil && !isJSON { RuntimeLog.say(line) }
        if isJSON {
            let entry: JSONObject = ["level": .string(level), "msg": .string(text), "time": .string(timestamp())]
            line = String(decoding: JSONValue.object(entry).encoded(), as: UTF8.self) + "\n"
            if path == nil { RuntimeLog.say(line) }
        }
        guard let path, let file = try? open(path) else { return }
        try? WholeFile.write(Array(line.utf8), to: file, path: path)
    }

    private static func say(_ line: String) {
        let bytes = Array(line.utf8)
        _ = Glibc.write(2, bytes, bytes.count)
    }
}
