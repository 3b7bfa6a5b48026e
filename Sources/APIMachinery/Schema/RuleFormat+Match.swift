extension Rule.Format {
    /// Why the text does not have this form, in words that follow the value in a message; nil where it has.
    package func mismatch(_ text: String) -> String? {
        switch self {
        case .dnsLabel: Self.label(text) ? nil : Self.labelHint
        case .dnsLabel1035: Self.label1035(text) ? nil : Self.label1035Hint
        case .dnsSubdomain: Self.subdomain(text) ? nil : Self.subdomainHint
        case .qualifiedName: Self.qualifiedName(text) ? nil : Self.qualifiedNameHint
        case .labelValue: text.isEmpty || Self.name(text.utf8) ? nil : Self.labelValueHint
        case .configKey:
            Self.configKey(text) ? nil : "must be at most 253 letters, digits, '-', '_' or '.', and not '.' or '..'"
        case .environmentName: Self.environmentName(text) ? nil : "must be printable ASCII without '='"
        case .portName:
            Self.portName(text)
                ? nil : "must be at most 15 lower case letters, digits or single '-' with a letter among them"
        case .absolutePath: text.utf8.first == UInt8(ascii: "/") ? nil : "must be an absolute path"
        case .ip: IPText.isAddress(text) ? nil : "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
        case .cidr: IPText.isPrefix(text) ? nil : "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"
        case .pathSegment: Self.pathSegmentFault(text)
        case .searchDomain:
            Self.searchDomain(text)
                ? nil : "must be a domain of lower case letters, digits, '-', '_' and '.' (e.g. 'example.com')"
        case .sysctl:
            Self.sysctl(text)
                ? nil
                : "must have at most 253 characters: words of lower case letters, digits, '-' or '_' between '.' or '/'"
        case .headerName:
            !text.isEmpty && text.utf8.allSatisfy { Self.isAlphanumeric($0) || $0 == UInt8(ascii: "-") }
                ? nil : "must be letters, digits or '-' (e.g. 'X-Header-Name')"
        }
    }

    private static let labelHint = """
        must be a lowercase RFC 1123 label: at most 63 lower case letters, digits or '-', with a letter or digit at both ends \
        (e.g. 'my-name' or '123-abc')
        """
    private static let label1035Hint = """
        must be a lowercase RFC 1035 label: at most 63 lower case letters, digits or '-', a letter first, a letter or digit \
        last (e.g. 'my-name' or 'abc-123')
        """
    private static let subdomainHint = """
        must be a lowercase RFC 1123 subdomain: at most 253 lower case letters, digits, '-' or '.', with a letter or digit at \
        both ends of each part (e.g. 'example.com')
        """
    private static let qualifiedNameHint = """
        must be a name of at most 63 letters, digits, '-', '_' or '.', with a letter or digit at both ends, after an optional \
        DNS subdomain and '/' (e.g. 'MyName' or 'example.com/MyName')
        """
    private static let labelValueHint = """
        must be empty or at most 63 letters, digits, '-', '_' or '.', with a letter or digit at both ends (e.g. 'my_value')
        """

    private static func isLower(_ byte: UInt8) -> Bool { UInt8(ascii: "a") <= byte && byte <= UInt8(ascii: "z") }
    private static func isUpper(_ byte: UInt8) -> Bool { UInt8(ascii: "A") <= byte && byte <= UInt8(ascii: "Z") }
    private static func isDigit(_ byte: UInt8) -> Bool { UInt8(ascii: "0") <= byte && byte <= UInt8(ascii: "9") }
    private static func isAlphanumeric(_ byte: UInt8) -> Bool { isLower(byte) || isUpper(byte) || isDigit(byte) }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        isAlphanumeric(byte) || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_") || byte == UInt8(ascii: ".")
    }

    private static func label(_ text: String) -> Bool {
        text.utf8.count <= 63 && part(text.utf8)
    }

    /// Lower case letters, digits and '-', a letter or digit at both ends.
    private static func part(_ bytes: some BidirectionalCollection<UInt8>) -> Bool {
        guard let first = bytes.first, let last = bytes.last else { return false }
        return (isLower(first) || isDigit(first)) && (isLower(last) || isDigit(last))
            && bytes.allSatisfy { isLower($0) || isDigit($0) || $0 == UInt8(ascii: "-") }
    }

    private static func label1035(_ text: String) -> Bool {
        label(text) && text.utf8.first.map(isLower) == true
    }

    private static func subdomain(_ text: String) -> Bool {
        subdomain(text.utf8[...])
    }

    /// A part is bounded by the whole alone, as upstream has it.
    private static func subdomain(_ bytes: Substring.UTF8View) -> Bool {
        bytes.count <= 253
            && bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).allSatisfy { part($0) }
    }

    private static func name(_ bytes: some BidirectionalCollection<UInt8>) -> Bool {
        guard let first = bytes.first, let last = bytes.last, bytes.count <= 63 else { return false }
        return isAlphanumeric(first) && isAlphanumeric(last) && bytes.allSatisfy(isNameByte)
    }

    private static func qualifiedName(_ text: String) -> Bool {
        let parts = text.utf8.split(separator: UInt8(ascii: "/"), maxSplits: 2, omittingEmptySubsequences: false)
        return switch parts.count {
        case 1: name(parts[0])
        case 2: subdomain(parts[0]) && name(parts[1])
        default: false
        }
    }

    private static func configKey(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= 253 && text.utf8.allSatisfy(isNameByte) && text != "."
            && !text.hasPrefix("..")
    }

    private static func environmentName(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "=") }
    }

    private static func pathSegmentFault(_ text: String) -> String? {
        if text == "." || text == ".." { return "may not be '\(text)'" }
        return ["/", "%"].first(where: text.contains).map { "may not contain '\($0)'" }
    }

    private static func searchDomain(_ text: String) -> Bool {
        let bytes = text.utf8.map { $0 == UInt8(ascii: "_") ? UInt8(ascii: "a") : $0 }
        return text.utf8.last != UInt8(ascii: "_") && subdomain(String(decoding: bytes, as: UTF8.self))
    }

    private static func sysctl(_ text: String) -> Bool {
        text.utf8.count <= 253
            && text.utf8.split(omittingEmptySubsequences: false) { $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "/") }
                .allSatisfy { word in
                    guard let first = word.first, let last = word.last else { return false }
                    return [first, last].allSatisfy { isLower($0) || isDigit($0) }
                        && word.allSatisfy {
                            isLower($0) || isDigit($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_")
                        }
                }
    }

    private static func portName(_ text: String) -> Bool {
        text.utf8.count <= 15 && label(text) && !text.contains("--") && text.utf8.contains(where: isLower)
    }
}
