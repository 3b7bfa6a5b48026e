import APIMachinery
import JSONTree

/// Checks that several kinds share.
enum CommonFaults {
    /// What is wrong with the form of a text.
    static func form(_ text: String, _ format: Rule.Format, at path: String) -> [FieldError] {
        format.mismatch(text).map { [.invalid(path, .string(text), $0)] } ?? []
    }

    /// Keys and values as labels have them.
    static func labels(_ labels: [String: String], at path: String) -> [FieldError] {
        labels.sorted { $0.key < $1.key }.flatMap {
            form($0.key, .qualifiedName, at: path) + form($0.value, .labelValue, at: path)
        }
    }

    /// Keys and size; the case of a key's domain does not matter.
    static func annotations(_ annotations: [String: String], at path: String) -> [FieldError] {
        var faults = annotations.keys.sorted().flatMap { key in
            Rule.Format.qualifiedName.mismatch(key.lowercased()).map {
                [FieldError.invalid(path, .string(key), $0)]
            } ?? []
        }
        let size = annotations.reduce(0) { $0 + $1.key.utf8.count + $1.value.utf8.count }
        if size > annotationBytes { faults.append(.tooLong(path, annotationBytes)) }
        return faults
    }

    private static let annotationBytes = 256 << 10

    /// A path below something else: relative and without "..".
    static func relativePath(_ text: String, at path: String) -> [FieldError] {
        let absolute: [FieldError] =
            text.hasPrefix("/") ? [.invalid(path, .string(text), "must be a relative path")] : []
        return absolute + withoutBacksteps(text, at: path)
    }

    static func withoutBacksteps(_ text: String, at path: String) -> [FieldError] {
        hasBacksteps(text)
            ? [.invalid(path, .string(text), "must not contain '..'")] : []
    }

    /// By bytes, as the kernel reads a path: a slash with a combining mark behind it is one too.
    static func hasBacksteps(_ text: String) -> Bool {
        text.utf8.split(separator: UInt8(ascii: "/")).contains { $0.elementsEqual("..".utf8) }
    }

    /// The path of a file in a volume; names that begin with ".." are those of the kubelet.
    static func filePath(_ text: String, at path: String) -> [FieldError] {
        if text.isEmpty { return [.required(path)] }
        let isReserved = text.hasPrefix("..") && !text.hasPrefix("../") && text != ".."
        return relativePath(text, at: path)
            + (isReserved ? [.invalid(path, .string(text), "must not start with '..'")] : [])
    }

    static func fileMode(_ mode: Int32?, at path: String) -> [FieldError] {
        guard let mode, !(0...0o777).contains(mode) else { return [] }
        return [
            .invalid(path, .integer(Int64(mode)), "must be a number between 0 and 0777 (octal), both inclusive")
        ]
    }

    /// A port by number or name.
    static func port(_ port: IntOrString, at path: String) -> [FieldError] {
        switch port {
        case .integer(let number): portNumber(number, at: path)
        case .string(let name): form(name, .portName, at: path)
        }
    }

    static func portNumber(_ number: Int32, at path: String) -> [FieldError] {
        (1...65_535).contains(number)
            ? [] : [.invalid(path, .integer(Int64(number)), "must be between 1 and 65535, inclusive")]
    }

    /// An address that other machines can have.
    static func ordinaryAddress(_ text: String, at path: String) -> [FieldError] {
        let faults = form(text, .ip, at: path)
        guard faults.isEmpty, let why = IPText.specialPurpose(text) else { return faults }
        return [.invalid(path, .string(text), why)]
    }

    /// Names of those of `fields` that the object has.
    static func present(_ fields: [String], in object: JSONObject) -> [String] {
        fields.filter { object[$0] != nil }
    }
}

extension LabelSelector {
    func faults(at path: String) -> [FieldError] {
        CommonFaults.labels(self.matchLabels, at: path + ".matchLabels")
            + self.matchExpressions.enumerated().flatMap { $1.faults(at: "\(path).matchExpressions[\($0)]") }
    }
}

extension LabelSelectorRequirement {
    fileprivate func faults(at path: String) -> [FieldError] {
        var faults: [FieldError] = []
        switch self.operator {
        case "In", "NotIn":
            if self.values.isEmpty {
                faults.append(.required(path + ".values", "must be specified when `operator` is 'In' or 'NotIn'"))
            }
        default:
            if !self.values.isEmpty {
                faults.append(
                    .forbidden(
                        path + ".values", "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"))
            }
        }
        faults += CommonFaults.form(self.key, .qualifiedName, at: path + ".key")
        return faults
            + self.values.enumerated().flatMap {
                CommonFaults.form($1, .labelValue, at: "\(path).values[\($0)]")
            }
    }
}
