import APIMachinery
import JSONTree
import KubernetesAPI
import Testing

/// What Kubernetes refuses in the other kinds, and in which words; one row a case.
@Suite struct KindRuleTests {
    @Test(
        arguments: [
            (#"{"ports":[]}"#, ["ports: Required value"]),
            (#"{"ports":[],"clusterIP":"None"}"#, []),
            (#"{"ports":[{"port":80},{"port":81,"name":"b"}]}"#, ["ports[0].name: Required value"]),
            (#"{"ports":[{"port":80,"name":"a"},{"port":81,"name":"a"}]}"#, [#"ports[1].name: Duplicate value: "a""#]),
            (
                #"{"ports":[{"port":80,"name":"a"},{"port":80,"name":"b"}]}"#,
                [#"ports[1]: Duplicate value: {"port":80,"protocol":"TCP"}"#]
            ),
            (
                #"{"ports":[{"port":0,"targetPort":1}]}"#,
                ["ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive"]
            ),
            (
                #"{"ports":[{"port":80,"targetPort":70000}]}"#,
                ["ports[0].targetPort: Invalid value: 70000: must be between 1 and 65535, inclusive"]
            ),
            (#"{"ports":[{"port":80,"name":"","appProtocol":"kubernetes.io/h2c"}]}"#, []),
            (
                #"{"ports":[{"port":80,"nodePort":30000}]}"#,
                ["ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'"]
            ),
            (
                #"{"type":"NodePort","clusterIP":"None"}"#,
                [#"clusterIPs[0]: Invalid value: "None": may not be set to 'None' for NodePort services"#]
            ),
            (#"{"type":"ExternalName"}"#, ["externalName: Required value"]),
            (#"{"type":"ExternalName","externalName":"example.com.","ports":[{"port":80,"nodePort":30000}]}"#, []),
            (
                #"{"type":"ExternalName","externalName":"example.com","clusterIPs":["10.0.0.1"]}"#,
                ["clusterIPs: Forbidden: may not be set for ExternalName services"]
            ),
            (
                #"{"sessionAffinity":"ClientIP","sessionAffinityConfig":{"clientIP":{"timeoutSeconds":0}}}"#,
                [
                    "sessionAffinityConfig.clientIP.timeoutSeconds: Invalid value: 0: must be greater than 0 and less than 86400"
                ]
            ),
            (
                #"{"clusterIP":"10.0.0.1","clusterIPs":["10.0.0.2"]}"#,
                [#"clusterIPs: Invalid value: ["10.0.0.2"]: first value must match `clusterIP`"#]
            ),
            (
                #"{"externalIPs":["127.0.0.1"]}"#,
                [
                    #"externalIPs[0]: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)"#
                ]
            ),
            (
                #"{"loadBalancerSourceRanges":["10.0.0.0/8"]}"#,
                ["LoadBalancerSourceRanges: Forbidden: may only be used when `type` is 'LoadBalancer'"]
            ),
            (#"{"type":"LoadBalancer","loadBalancerSourceRanges":[" 10.0.0.0/8 "]}"#, []),
            (
                #"{"allocateLoadBalancerNodePorts":true}"#,
                ["allocateLoadBalancerNodePorts: Forbidden: may only be used when `type` is 'LoadBalancer'"]
            ),
            (
                #"{"externalTrafficPolicy":"Local"}"#,
                [#"externalTrafficPolicy: Invalid value: "Local": may only be set for externally-accessible services"#]
            ),
            (
                #"{"healthCheckNodePort":30001}"#,
                [
                    "healthCheckNodePort: Invalid value: 30001: may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"
                ]
            ),
            (#"{"type":"","sessionAffinity":"","externalTrafficPolicy":""}"#, []),
        ] as [(String, [String])]) func services(row: (String, [String])) throws
    {
        let spec = MergePatch.apply(try JSONValue(parsing: row.0), to: ["ports": [["port": 80]]])
        #expect(try Rules.faults(Service.self, ["spec": spec]) == row.1.map { "spec." + $0 })
    }

    /// What the new type has no use for goes with the old one, where the client did not ask for it.
    @Test(arguments: [
        (#"{"type":"ClusterIP"}"#, ["clusterIP"]), (#"{"type":"ExternalName","externalName":"a.b"}"#, ["externalName"]),
    ])
    func servicesChangeTheirType(row: (String, [String])) throws {
        let definition = try #require(Kinds.all.first { $0.kind == Service.kind })
        let old = try JSONValue(
            parsing:
                #"{"metadata":{"name":"a"},"spec":{"type":"LoadBalancer","clusterIP":"10.0.0.1","clusterIPs":["10.0.0.1"],"ipFamilies":["IPv4"],"ipFamilyPolicy":"SingleStack","allocateLoadBalancerNodePorts":true,"externalTrafficPolicy":"Cluster","internalTrafficPolicy":"Cluster","sessionAffinity":"None","ports":[{"port":80,"protocol":"TCP","targetPort":80,"nodePort":30001}]}}"#
        )
        let patched = MergePatch.apply(["spec": try JSONValue(parsing: row.0)], to: old)
        var new = try #require(patched.object)
        definition.prepare(&new, old.object)
        definition.complete(&new)
        #expect(definition.validate(new, old.object) == [])
        #expect(new["spec"]?["ports"]?.array?.first?["nodePort"] == nil)
        #expect(new["spec"]?[row.1[0]] != nil)
    }

    private static let deployment: JSONValue = [
        "spec": [
            "selector": ["matchLabels": ["a": "b"]],
            "template": [
                "metadata": ["labels": ["a": "b"]], "spec": ["containers": [["name": "app", "image": "nginx"]]],
            ],
        ]
    ]

    @Test(
        arguments: [
            (
                #"{"selector":{"matchLabels":{"a":"c"}}}"#,
                [
                    #"spec.template.metadata.labels: Invalid value: {"a":"b"}: `selector` does not match template `labels`"#
                ]
            ),
            (
                #"{"selector":{"matchLabels":null}}"#,
                ["spec.selector: Invalid value: {}: empty selector is invalid for deployment"]
            ),
            (
                #"{"selector":{"matchExpressions":[{"key":"a","operator":"Exists","values":["b"]}]}}"#,
                [
                    "spec.selector.matchExpressions[0].values: Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
                ]
            ),
            (#"{"replicas":-1}"#, ["spec.replicas: Invalid value: -1: must be greater than or equal to 0"]),
            (
                #"{"strategy":{"type":"Recreate","rollingUpdate":{}}}"#,
                ["spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'"]
            ),
            (
                #"{"strategy":{"rollingUpdate":{"maxSurge":0,"maxUnavailable":"0%"}}}"#,
                ["spec.strategy.rollingUpdate.maxUnavailable: Invalid value: \"0%\": may not be 0 when `maxSurge` is 0"]
            ),
            (
                #"{"strategy":{"rollingUpdate":{"maxUnavailable":"101%"}}}"#,
                [#"spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "101%": must not be greater than 100%"#]
            ),
            (
                #"{"progressDeadlineSeconds":5,"minReadySeconds":5}"#,
                ["spec.progressDeadlineSeconds: Invalid value: 5: must be greater than minReadySeconds"]
            ),
            (
                #"{"template":{"spec":{"restartPolicy":"Never"}}}"#,
                [#"spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always""#]
            ),
            (
                #"{"template":{"spec":{"activeDeadlineSeconds":5}}}"#,
                [
                    "spec.template.spec.activeDeadlineSeconds: Forbidden: activeDeadlineSeconds in ReplicaSet is not Supported"
                ]
            ),
            (#"{"template":{"spec":{"containers":[{"name":"app","image":" "}]}}}"#, []),
            (
                #"{"template":{"spec":{"hostNetwork":true,"containers":[{"name":"app","image":"a","ports":[{"containerPort":80}]}]}}}"#,
                []
            ),
        ] as [(String, [String])]) func deployments(row: (String, [String])) throws
    {
        let change: JSONValue = ["spec": try JSONValue(parsing: row.0)]
        #expect(try Rules.faults(Deployment.self, MergePatch.apply(change, to: Self.deployment)) == row.1)
    }

    @Test func selectorsStay() throws {
        let change: JSONValue = [
            "spec": ["selector": ["matchLabels": ["c": "d"]], "template": ["metadata": ["labels": ["c": "d"]]]]
        ]
        let faults = try Rules.faults(
            Deployment.self, MergePatch.apply(change, to: Self.deployment), after: Self.deployment)
        #expect(faults == [#"spec.selector: Invalid value: {"matchLabels":{"a":"b","c":"d"}}: field is immutable"#])
    }

    @Test(
        arguments: [
            (#"{"data":{"a/b":"x"}}"#, ["data[a/b]"]), (#"{"data":{"a":"x"},"binaryData":{"a":"eA=="}}"#, ["data[a]"]),
        ] as [(String, [String])]) func configMaps(row: (String, [String])) throws
    {
        let faults = try Rules.faults(ConfigMap.self, try JSONValue(parsing: row.0))
        #expect(faults.map { $0.prefix(while: { $0 != ":" }) }.map(String.init) == row.1)
    }

    @Test func immutableDataStays() throws {
        let old: JSONValue = ["immutable": true, "data": ["a": "b"]]
        #expect(
            try Rules.faults(ConfigMap.self, ["data": ["a": "c"]], after: old) == [
                "immutable: Forbidden: field is immutable when `immutable` is set",
                "data: Forbidden: field is immutable when `immutable` is set",
            ])
    }

    @Test(
        arguments: [
            (#"{"type":"kubernetes.io/tls","data":{"tls.crt":""}}"#, ["data[tls.key]: Required value"]),
            (
                #"{"type":"kubernetes.io/basic-auth"}"#,
                ["data[username]: Required value", "data[password]: Required value"]
            ),
            (#"{"type":"kubernetes.io/basic-auth","stringData":{"password":"x"}}"#, []),
            (
                #"{"type":"kubernetes.io/ssh-auth","stringData":{"ssh-privatekey":""}}"#,
                ["data[ssh-privatekey]: Required value"]
            ),
            (
                #"{"type":"kubernetes.io/service-account-token"}"#,
                ["metadata.annotations[kubernetes.io/service-account.name]: Required value"]
            ),
            (
                #"{"type":"kubernetes.io/dockerconfigjson","stringData":{".dockerconfigjson":"nothing"}}"#,
                [#"data[.dockerconfigjson]: Invalid value: "<secret contents redacted>": must be a JSON object"#]
            ),
            (#"{"type":""}"#, []),
            // No secret gets into a message, and from there into a log.
            (#"{"data":{"key":"hunter2!"}}"#, ["data[key]: Invalid value: must be base64 text"]),
            (#"{"data":"hunter2"}"#, ["data: Invalid value: must be of type object"]),
        ] as [(String, [String])]) func secrets(row: (String, [String])) throws
    {
        #expect(try Rules.faults(Secret.self, try JSONValue(parsing: row.0)) == row.1)
    }

    @Test(
        arguments: [
            (
                #"{"taints":[{"key":"a","effect":"NoSchedule"},{"key":"a","effect":"NoSchedule","value":"b"}]}"#,
                [
                    #"spec.taints[1]: Duplicate value: {"effect":"NoSchedule","key":"a","value":"b"}: taints must be unique by key and effect pair"#
                ]
            ),
            (
                #"{"podCIDRs":["10.0.0.0/8","10.1.0.0/16"]}"#,
                [
                    #"spec.podCIDRs: Invalid value: ["10.0.0.0/8","10.1.0.0/16"]: may specify no more than one CIDR for each IP family"#
                ]
            ),
            (#"{"podCIDR":"10.0.0.0/8"}"#, []),
        ] as [(String, [String])]) func nodes(row: (String, [String])) throws
    {
        #expect(try Rules.faults(Node.self, ["spec": try JSONValue(parsing: row.0)]) == row.1)
    }

    @Test(
        arguments: [
            (
                #"{"addressType":"IPv4","endpoints":[{"addresses":["fd00::1"]}]}"#,
                [#"endpoints[0].addresses[0]: Invalid value: "fd00::1": must be a valid IPv4 address"#]
            ),
            (
                #"{"addressType":"IPv4","endpoints":[{"addresses":["127.0.0.1"]}]}"#,
                [
                    #"endpoints[0].addresses[0]: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)"#
                ]
            ),
            (
                #"{"addressType":"IPv6","endpoints":[{"addresses":["::"]},{"addresses":["fe80::1"]},{"addresses":["fd00::1"]}]}"#,
                [
                    #"endpoints[0].addresses[0]: Invalid value: "::": may not be unspecified (::)"#,
                    #"endpoints[1].addresses[0]: Invalid value: "fe80::1": may not be in the link-local range (169.254.0.0/16, fe80::/10)"#,
                ]
            ),
            (
                #"{"addressType":"FQDN","endpoints":[{"addresses":["host"]}]}"#,
                [
                    #"endpoints[0].addresses[0]: Invalid value: "host": should be a domain with at least two segments separated by dots"#
                ]
            ),
            (
                #"{"addressType":"IPv4","endpoints":[],"ports":[{"port":1},{"port":2}]}"#,
                [#"ports[1].name: Duplicate value: """#]
            ),
        ] as [(String, [String])]) func endpointSlices(row: (String, [String])) throws
    {
        #expect(try Rules.faults(EndpointSlice.self, try JSONValue(parsing: row.0)) == row.1)
    }

    @Test func aSliceHoldsAThousandEndpointsAndAHundredPorts() throws {
        let endpoint: JSONValue = ["addresses": ["10.0.0.1"]]
        let ports = (1...101).map { JSONValue.object(["name": .string("p\($0)"), "port": .integer(Int64($0))]) }
        func faults(endpoints: Int, ports count: Int) throws -> [String] {
            try Rules.faults(
                EndpointSlice.self,
                [
                    "addressType": "IPv4", "endpoints": .array(Array(repeating: endpoint, count: endpoints)),
                    "ports": .array(Array(ports.prefix(count))),
                ])
        }
        #expect(try faults(endpoints: 1000, ports: 100) == [])
        #expect(try faults(endpoints: 1001, ports: 1) == ["endpoints: Too many: 1001: must have at most 1000 items"])
        #expect(try faults(endpoints: 1, ports: 101) == ["ports: Too many: 101: must have at most 100 items"])
    }

    @Test(
        arguments: [
            (#"{"subsets":[{}]}"#, ["subsets[0]: Required value: must specify `addresses` or `notReadyAddresses`"]),
            (
                #"{"subsets":[{"addresses":[{"ip":"10.0.0.1"}],"ports":[{"port":1},{"port":2,"name":"b"}]}]}"#,
                ["subsets[0].ports[0].name: Required value"]
            ),
        ] as [(String, [String])]) func endpoints(row: (String, [String])) throws
    {
        #expect(try Rules.faults(Endpoints.self, try JSONValue(parsing: row.0)) == row.1)
    }

    @Test(
        arguments: [
            (#"{"leaseDurationSeconds":0}"#, ["spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0"]),
            (
                #"{"leaseTransitions":-1}"#,
                ["spec.leaseTransitions: Invalid value: -1: must be greater than or equal to 0"]
            ),
            (
                #"{"preferredHolder":"a"}"#,
                ["spec.preferredHolder: Forbidden: may only be specified if `strategy` is defined"]
            ),
        ] as [(String, [String])]) func leases(row: (String, [String])) throws
    {
        #expect(try Rules.faults(Lease.self, ["spec": try JSONValue(parsing: row.0)]) == row.1)
    }

    @Test(
        arguments: [
            (
                #"{"involvedObject":{"kind":"Pod","namespace":"other"}}"#,
                [#"involvedObject.namespace: Invalid value: "other": does not match event.namespace"#]
            ),
            (#"{"involvedObject":{"kind":"Node","name":"n"}}"#, []),
            (
                #"{"involvedObject":{"kind":"Node","name":"n"},"eventTime":"2026-01-31T12:00:00.000000Z"}"#,
                [
                    "reportingController: Required value", "reportingInstance: Required value",
                    "action: Required value",
                    "reason: Required value",
                ]
            ),
        ] as [(String, [String])]) func events(row: (String, [String])) throws
    {
        #expect(try Rules.faults(Event.self, try JSONValue(parsing: row.0)) == row.1)
    }

    @Test func revisionsStay() throws {
        let old: JSONValue = ["revision": 1, "data": ["a": 1]]
        #expect(
            try Rules.faults(ControllerRevision.self, ["revision": -1, "data": ["a": 2]], after: old) == [
                "revision: Invalid value: -1: must be greater than or equal to 0",
                #"data: Invalid value: {"a":2}: field is immutable"#,
            ])
    }
}

/// What the server fills in, field by field.
@Suite struct DefaultRuleTests {
    @Test(
        arguments: [
            (
                #"{"spec":{"containers":[{"name":"a","image":"a","livenessProbe":{"exec":{"command":["x"]},"periodSeconds":0}}]}}"#,
                "spec.containers.0.livenessProbe.periodSeconds", "10"
            ),
            (
                #"{"spec":{"containers":[{"name":"a","image":"a","livenessProbe":{"httpGet":{"port":1,"path":""}}}]}}"#,
                "spec.containers.0.livenessProbe.httpGet.path", #""/""#
            ),
            (
                #"{"spec":{"containers":[{"name":"a","image":"a","resources":{"requests":{"cpu":"100u"}}}]}}"#,
                "spec.containers.0.resources.requests.cpu", #""1m""#
            ),
            (
                #"{"spec":{"containers":[{"name":"a","image":"a","imagePullPolicy":"","terminationMessagePath":""}]}}"#,
                "spec.containers.0.terminationMessagePath", #""/dev/termination-log""#
            ),
            (
                #"{"spec":{"containers":[{"name":"a","image":"a:1","imagePullPolicy":""}]}}"#,
                "spec.containers.0.imagePullPolicy", #""IfNotPresent""#
            ),
            (#"{"spec":{"containers":[],"restartPolicy":""}}"#, "spec.restartPolicy", #""Always""#),
            (
                #"{"spec":{"containers":[],"terminationGracePeriodSeconds":0}}"#, "spec.terminationGracePeriodSeconds",
                "0"
            ),
            (#"{"spec":{"containers":[],"hostname":""}}"#, "spec.hostname", nil),
            (
                #"{"spec":{"containers":[],"volumes":[{"name":"v","image":{"reference":"a"}}]}}"#,
                "spec.volumes.0.image.pullPolicy", #""Always""#
            ),
            (
                #"{"spec":{"containers":[{"name":"a","image":"a","resources":{"requests":{"cpu":"1"}}}],"resources":{"limits":{"cpu":"2"}}}}"#,
                "spec.resources.requests.cpu", #""1""#
            ),
            (
                #"{"spec":{"containers":[{"name":"a","image":"a"}],"resources":{"limits":{"memory":"1Gi"}}}}"#,
                "spec.resources.requests.memory", #""1Gi""#
            ),
            (
                #"{"spec":{"containers":[{"name":"a","image":"a","ports":[{"containerPort":1,"hostPort":0,"protocol":""}]}]}}"#,
                "spec.containers.0.ports.0.hostPort", nil
            ),
        ] as [(String, String, String?)]) func pods(row: (String, String, String?)) throws
    {
        #expect(try value(Pod.self, row.0, row.1) == row.2)
    }

    @Test func aNodeWithoutAllocatableHasItAll() throws {
        let text = #"{"spec":{"podCIDRs":["10.0.0.0/24"]},"status":{"capacity":{"cpu":"2"}}}"#
        #expect(try value(Node.self, text, "status.allocatable.cpu") == #""2""#)
        #expect(try value(Node.self, text, "spec.podCIDR") == #""10.0.0.0/24""#)
    }

    private func value<Object: APIObject>(_ type: Object.Type, _ text: String, _ path: String) throws -> String? {
        let definition = try #require(Kinds.all.first { $0.kind == type.kind })
        var value = try JSONValue(parsing: text)
        definition.schema.prune(&value)
        definition.schema.applyDefaults(&value)
        var object = try #require(value.object)
        definition.complete(&object)
        var found: JSONValue? = .object(object)
        for step in path.split(separator: ".") {
            found = Int(step).map { found?.array?[$0] } ?? found?[String(step)]
        }
        return found?.text
    }
}
