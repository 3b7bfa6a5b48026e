"""A proxy with a password that alone knows where the names beneath .proxied are: on this machine. It writes a line for each request that it carries.
refused.proxied it carries nobody to, strict.proxied nobody as anyone; blobs of moved.proxied are elsewhere, and token.proxied wants a token first.
usage: proxy.py PORT LOG"""
import base64, http.client, http.server, socket, sys, threading, urllib.parse

PASSWORD = "Basic " + base64.b64encode(b"user:se@cret").decode()


def pour(source, sink):
    try:
        while data := source.recv(65536):
            sink.sendall(data)
    except OSError:
        pass
    for end in (source, sink):
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


class Proxy(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status, headers={}, body=b""):
        self.send_response(status)
        for name, value in {"Content-Length": len(body), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def may_pass(self, host):
        if self.headers.get("Proxy-Authorization") != PASSWORD or host == "strict.proxied":
            self.answer(407, {"Proxy-Authenticate": "Basic"})
        elif host == "refused.proxied" or not host.endswith(".proxied"):
            self.answer(403)
        else:
            with open(sys.argv[2], "a") as log:
                print(self.command, self.path, file=log)
            return True

    def do_CONNECT(self):
        host, port = self.path.rsplit(":", 1)
        if not self.may_pass(host):
            return
        far = socket.create_connection(("127.0.0.1", int(port)))
        self.send_response(200)
        self.end_headers()
        threading.Thread(target=pour, args=(far, self.connection), daemon=True).start()
        pour(self.connection, far)
        self.close_connection = True

    def carry(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        url = urllib.parse.urlsplit(self.path)
        if url.scheme != "http":
            return self.answer(400)
        if not self.may_pass(url.hostname):
            return
        if url.hostname == "moved.proxied" and "/blobs/" in url.path:
            return self.answer(307, {"Location": f"http://plain.proxied:5000{url.path}"})
        if url.path == "/token":
            return self.answer(200, {}, b'{"token": "known"}')
        if url.hostname == "token.proxied" and self.headers.get("Authorization") != "Bearer known":
            return self.answer(401, {"WWW-Authenticate": 'Bearer realm="http://plain.proxied:5000/token",service="x"'})
        headers = {name: value for name, value in self.headers.items() if not name.startswith("Proxy-") and name != "Authorization"}
        far = http.client.HTTPConnection("127.0.0.1", url.port)
        far.request(self.command, url._replace(scheme="", netloc="").geturl(), body, headers)
        response = far.getresponse()
        kept = {name: value for name, value in response.getheaders() if name not in ("Connection", "Content-Length", "Transfer-Encoding")}
        data = response.read()
        length = response.getheader("Content-Length") if self.command == "HEAD" else len(data)
        self.answer(response.status, {**kept, "Content-Length": length}, data)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = carry

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Proxy).serve_forever()
