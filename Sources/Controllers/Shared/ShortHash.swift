/// Short names from longer texts: the same text gives the same name.
enum ShortHash {
    /// No vowels and nothing that looks like one, so that no name spells a word.
    private static let digits = Array("bcdfghjklmnpqrstvwxz2456789")

    /// 32-bit FNV-1a.
    static func value(_ bytes: some Sequence<UInt8>) -> UInt32 {
        var hash: UInt32 = 2_166_136_261
        for byte in bytes { hash = (hash ^ UInt32(byte)) &* 16_777_619 }
        return hash
    }

    /// Up to ten characters.
    static func text(_ bytes: some Sequence<UInt8>) -> String {
        String(String(value(bytes)).utf8.map { digits[Int($0) % digits.count] })
    }

    static func text(_ text: String) -> String {
        self.text(text.utf8)
    }
}
