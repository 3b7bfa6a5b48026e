/// The dictionary that SPDY/3 presets its header compression with (SPDY Protocol, Draft 3.1, 2.6.10.1): words with their
/// lengths, then text that headers often hold.
enum SPDYDictionary {
    static let bytes: [UInt8] =
        (words(before) + ["200 OK"] + words(after)).flatMap { word in
            [0, 0, 0, UInt8(truncatingIfNeeded: word.utf8.count)] + Array(word.utf8)
        } + Array(text.utf8)

    private static func words(_ list: String) -> [String] {
        list.split(separator: " ").map(String.init)
    }

    private static let before = """
        options head post put delete trace accept accept-charset accept-encoding accept-language \
        accept-ranges age allow authorization cache-control connection content-base content-encoding \
        content-language content-length content-location content-md5 content-range content-type date etag \
        expect expires from host if-match if-modified-since if-none-match if-range if-unmodified-since \
        last-modified location max-forwards pragma proxy-authenticate proxy-authorization range referer \
        retry-after server te trailer transfer-encoding upgrade user-agent vary via warning www-authenticate \
        method get status
        """

    private static let after = """
        version HTTP/1.1 url public set-cookie keep-alive origin
        """

    private static let text = """
        100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505203 Non-Au\
        thoritative Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized403 Forbidd\
        en404 Not Found500 Internal Server Error501 Not Implemented503 Service UnavailableJan Feb Mar Apr Ma\
        y Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMTchunked,text/html,imag\
        e/png,image/jpg,image/gif,application/xml,application/xhtml+xml,text/plain,text/javascript,publicpri\
        vatemax-age=gzip,deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0.
        """
}
