import APIMachinery
import HTTP
import JSONTree
import Testing

@Suite struct ListTests {
    @Test func pagesShowOneState() async throws {
        let api = try await TestServer()
        for index in 10..<35 { _ = try await api.send(.post, Path.maps, configMap("m\(index)", ["k": "old"])) }
        let first = try await api.get(Path.maps, query: ["limit": "10"])
        #expect(first.names == (10..<20).map { "m\($0)" })
        #expect(first.json["metadata"]?["remainingItemCount"] == 15)
        // What happens between the pages does not show.
        _ = try await api.send(.delete, Path.maps + "/m25")
        _ = try await api.send(.post, Path.maps, configMap("m11a"))
        _ = try await api.send(.put, Path.maps + "/m34", configMap("m34", ["k": "new"]))
        let token = try #require(first.json["metadata"]?["continue"]?.string)
        let second = try await api.get(Path.maps, query: ["limit": "10", "continue": token])
        #expect(second.names == (20..<30).map { "m\($0)" })
        #expect(second.revision == first.revision)
        let third = try await api.get(
            Path.maps, query: ["limit": "10", "continue": second.json["metadata"]?["continue"]?.string ?? ""])
        #expect(third.names == (30..<35).map { "m\($0)" })
        #expect(third.json["items"]?.array?.last?["data"] == ["k": "old"])
        #expect(third.json["metadata"]?["continue"] == nil)
    }

    /// A client that reads slowly must not hold a copy of all it asked for.
    @Test func objectsAreSharedWithTheCache() async throws {
        let api = try await TestServer()
        _ = try await api.send(.post, Path.maps, configMap("a", ["k": String(repeating: "x", count: 10_000)]))
        let list = try await api.get(Path.maps)
        let one = try await api.get(Path.maps + "/a")
        guard case .parts(let parts) = list.response.body, case .parts(let object) = one.response.body else {
            Issue.record("no parts")
            return
        }
        let address = { (bytes: [UInt8]) in bytes.withUnsafeBufferPointer { $0.baseAddress } }
        let shared = try #require(object.first)
        #expect(parts.contains { address($0) == address(shared) })
    }

    @Test func pagesOfASelection() async throws {
        let api = try await TestServer()
        for index in 10..<40 {
            let labels = ["third": index % 3 == 0 ? "yes" : "no"]
            _ = try await api.send(.post, Path.maps, configMap("m\(index)", labels: labels))
        }
        var names: [String] = []
        var query = ["limit": "4", "labelSelector": "third=yes"]
        while true {
            let page = try await api.get(Path.maps, query: query)
            #expect(page.json["metadata"]?["remainingItemCount"] == nil)
            names += page.names
            guard let token = page.json["metadata"]?["continue"]?.string else { break }
            query["continue"] = token
        }
        #expect(names == (10..<40).filter { $0 % 3 == 0 }.map { "m\($0)" })
    }

    @Test func aTokenWhoseStateIsGoneComesWithAnother() async throws {
        let api = try await TestServer()
        for index in 10..<20 { _ = try await api.send(.post, Path.maps, configMap("m\(index)")) }
        let first = try await api.get(Path.maps, query: ["limit": "5"])
        _ = try await api.send(.post, Path.maps, configMap("m99"))
        try await api.store.compact(to: try await api.store.revision())
        let token = first.json["metadata"]?["continue"]?.string ?? ""
        let gone = try await api.get(Path.maps, query: ["limit": "5", "continue": token])
        #expect(gone.status == 410)
        #expect(gone.reason == "Expired")
        let fresh = try #require(gone.json["metadata"]?["continue"]?.string)
        let rest = try await api.get(Path.maps, query: ["continue": fresh])
        #expect(rest.names == ["m15", "m16", "m17", "m18", "m19", "m99"])
    }

    /// A token is the client's to write: where it starts must not lead out of the list. A secret's key, cut as a ConfigMap's, can read as one of the
    /// asker's own namespace.
    @Test func aTokenThatStartsBeyondItsListShowsNothing() async throws {
        let api = try await TestServer()
        _ = try await api.send(.post, "/api/v1/namespaces", ["metadata": ["name": "my-default"]])
        _ = try await api.send(.post, Path.maps, configMap("a"))
        let past = try #require(Int64(try await api.get(Path.maps).revision))
        let secret: JSONValue = ["metadata": ["name": "s"], "stringData": ["password": "open"]]
        #expect(try await api.send(.post, "/api/v1/namespaces/my-default/secrets", secret).status == 201)
        _ = try await api.send(.post, "/api/v1/namespaces/my-default/configmaps", configMap("b"))
        let token: JSONValue = ["v": "swiftlet/v1", "rv": .integer(past), "start": "my-default/c"]
        let list = try await api.get(
            Path.maps, query: ["continue": Bytes(token.encoded()).base64],
            peer: .inProcess(user: "system:serviceaccount:default:default", groups: ["system:serviceaccounts"]))
        #expect(list.status == 200)
        #expect(list.names == [])
    }

    @Test func aLimitBeyondMeasureIsNone() async throws {
        let api = try await TestServer()
        _ = try await api.send(.post, Path.maps, configMap("a"))
        #expect(try await api.get(Path.maps, query: ["limit": String(Int.max)]).names == ["a"])
        let past = try await api.get(Path.maps).revision
        let query = ["limit": String(Int.max), "resourceVersion": past, "resourceVersionMatch": "Exact"]
        #expect(try await api.get(Path.maps, query: query).names == ["a"])
    }

    @Test func refusesWhatItDoesNotUnderstand() async throws {
        let api = try await TestServer()
        for query in [
            ["limit": "x"], ["limit": "-1"], ["continue": "???"], ["labelSelector": "a in (b"],
            ["resourceVersion": "x"],
        ] {
            #expect(try await api.get(Path.maps, query: query).status == 400, "\(query)")
        }
    }

    @Test func anExactVersionShowsThePast() async throws {
        let api = try await TestServer()
        _ = try await api.send(.post, Path.maps, configMap("a"))
        let past = try await api.get(Path.maps).revision
        _ = try await api.send(.post, Path.maps, configMap("b"))
        let list = try await api.get(Path.maps, query: ["resourceVersion": past, "resourceVersionMatch": "Exact"])
        #expect(list.names == ["a"])
        #expect(list.revision == past)
    }

    @Test func namespacesDoNotMix() async throws {
        let api = try await TestServer()
        for name in ["default-2", "default0"] {
            _ = try await api.send(.post, "/api/v1/namespaces", ["metadata": ["name": .string(name)]])
            _ = try await api.send(.post, "/api/v1/namespaces/\(name)/configmaps", configMap("x"))
        }
        _ = try await api.send(.post, Path.maps, configMap("a"))
        #expect(try await api.get(Path.maps).names == ["a"])
        #expect(try await api.get("/api/v1/configmaps").names.count == 3)
    }

    @Test func theOlderFormOfTablesIsTheSame() async throws {
        let api = try await TestServer()
        _ = try await api.send(.post, Path.pods, pod("web"))
        func ask(_ kind: String, _ version: String, _ path: String) async throws -> Answer {
            try await api.get(path, headers: ["Accept": "application/json;as=\(kind);v=\(version);g=meta.k8s.io"])
        }
        for path in [Path.pods, Path.pods + "/web"] {
            let older = try await ask("Table", "v1beta1", path)
            #expect(older.status == 200 && older.json["apiVersion"] == "meta.k8s.io/v1beta1")
            #expect(older.json["rows"]?.array?.first?["object"]?["apiVersion"] == "meta.k8s.io/v1beta1")
            #expect(
                try await ask("Table", "v1", path).json["rows"]?.array?.first?["cells"]
                    == older.json["rows"]?.array?.first?["cells"])
            #expect(try await ask("Table", "v2", path).status == 406)
        }
        let partial = try await ask("PartialObjectMetadataList", "v1beta1", Path.pods)
        #expect(partial.json["apiVersion"] == "meta.k8s.io/v1beta1")
        #expect(partial.json["items"]?.array?.first?["apiVersion"] == "meta.k8s.io/v1beta1")
    }

    @Test func tablesAreForPeople() async throws {
        let api = try await TestServer()
        _ = try await api.send(.post, Path.pods, pod("web"))
        let accept: HTTPHeaders = [
            "Accept":
                "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json"
        ]
        let table = try await api.get(Path.pods, headers: accept)
        #expect(table.json["kind"] == "Table")
        let columns = (table.json["columnDefinitions"]?.array ?? []).compactMap { $0["name"]?.string }
        #expect(columns.prefix(5) == ["Name", "Ready", "Status", "Restarts", "Age"])
        let row = try #require(table.json["rows"]?.array?.first)
        #expect(row["cells"]?.array?.prefix(4) == ["web", "0/1", "Pending", "0"])
        #expect(row["object"]?["kind"] == "PartialObjectMetadata")
        #expect(row["object"]?["metadata"]?["name"] == "web")
        let one = try await api.get(Path.pods + "/web", query: ["includeObject": "Object"], headers: accept)
        #expect(one.json["rows"]?.array?.first?["object"]?["kind"] == "Pod")
        let watch = try await api.watch(Path.pods, headers: accept)
        #expect(try await watch.event()?["object"]?["kind"] == "Table")
    }

    @Test func metadataAlone() async throws {
        let api = try await TestServer()
        _ = try await api.send(.post, Path.maps, configMap("a", ["k": "v"]))
        let accept: HTTPHeaders = ["Accept": "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"]
        let list = try await api.get(Path.maps, headers: accept)
        #expect(list.json["kind"] == "PartialObjectMetadataList")
        #expect(list.names == ["a"])
        #expect(list.json["items"]?.array?.first?["data"] == nil)
    }

    @Test func negotiatesJSONOnly() async throws {
        let api = try await TestServer()
        let both: HTTPHeaders = ["Accept": "application/vnd.kubernetes.protobuf,application/json"]
        #expect(try await api.get(Path.maps, headers: both).status == 200)
        let only: HTTPHeaders = ["Accept": "application/vnd.kubernetes.protobuf"]
        #expect(try await api.get(Path.maps, headers: only).status == 406)
        let body = try await api.send(
            .post, Path.maps, configMap("a"), headers: ["Content-Type": "application/cbor"])
        #expect(body.status == 415)
    }
}
