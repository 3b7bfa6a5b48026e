/// A kubeconfig with one cluster, one user and one context, all certificates embedded.
package struct Kubeconfig: Sendable, Equatable {
    /// Names the cluster, the context and (with `-admin`) the user.
    package var clusterName: String
    /// For example `https://127.0.0.1:6443`.
    package var serverURL: String
    package var authorityPEM: String
    package var client: Credential

    package init(clusterName: String, serverURL: String, authorityPEM: String, client: Credential) {
        self.clusterName = clusterName
        self.serverURL = serverURL
        self.authorityPEM = authorityPEM
        self.client = client
    }

    /// The file's text: YAML that kubectl reads.
    package var text: String {
        let cluster = quoted(clusterName)
        let user = quoted(clusterName + "-admin")
        return """
            apiVersion: v1
            kind: Config
            clusters:
            - name: \(cluster)
              cluster:
                server: \(quoted(serverURL))
                certificate-authority-data: \(base64Text(authorityPEM.utf8))
            users:
            - name: \(user)
              user:
                client-certificate-data: \(base64Text(client.certificatePEM.utf8))
                client-key-data: \(base64Text(client.keyPEM.utf8))
            contexts:
            - name: \(cluster)
              context:
                cluster: \(cluster)
                user: \(user)
            current-context: \(cluster)

            """
    }

    /// Writes the file atomically with mode 0600. Blocks on the disk.
    package func write(to path: String) throws(PKIError) {
        try replaceFile(path, with: text, mode: 0o600)
    }

    /// A YAML double-quoted scalar.
    private func quoted(_ text: String) -> String {
        var out = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": out += "\\\""
            case "\\": out += "\\\\"
            case let control where control.value < 0x20 || control.value == 0x7F:
                let digits = String(control.value, radix: 16)
                out += "\\x" + (digits.count < 2 ? "0" : "") + digits
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out + "\""
    }
}
