import APIMachinery
import JSONTree
import KubernetesAPI
import Testing

/// What Kubernetes refuses in a pod, and in which words; one row a case. Columns: what is changed in a pod that is right, and the faults.
@Suite struct PodRuleTests {
    @Test(
        arguments: [
            (
                #"{"ports":[{"containerPort":80,"name":"a"},{"containerPort":81,"name":"a"}]}"#,
                [#"ports[1].name: Duplicate value: "a""#]
            ),
            (
                #"{"ports":[{"containerPort":0}]}"#,
                ["ports[0].containerPort: Invalid value: 0: must be between 1 and 65535, inclusive"]
            ),
            (
                #"{"ports":[{"containerPort":80,"hostPort":-1}]}"#,
                ["ports[0].hostPort: Invalid value: -1: must be between 1 and 65535, inclusive"]
            ),
            (#"{"ports":[{"containerPort":80,"hostPort":0,"name":""}]}"#, []),
            (#"{"ports":[{"containerPort":80,"protocol":""}]}"#, []),
            (
                #"{"ports":[{"containerPort":80,"hostPort":8},{"containerPort":81,"hostPort":8}]}"#,
                [#"ports[1].hostPort: Duplicate value: "TCP//8""#]
            ),
            (#"{"image":""}"#, ["image: Required value"]),
            (
                #"{"image":" nginx"}"#,
                [#"image: Invalid value: " nginx": must not have leading or trailing whitespace"#]
            ),
            (
                #"{"env":[{"name":"A","valueFrom":{}}]}"#,
                [
                    "env[0].valueFrom: Invalid value: \"\": must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef`, or `fileKeyRef`"
                ]
            ),
            (
                #"{"env":[{"name":"A","value":"b","valueFrom":{"secretKeyRef":{"name":"s","key":"k"}}}]}"#,
                ["env[0].valueFrom: Invalid value: \"\": may not be specified when `value` is not empty"]
            ),
            (
                #"{"env":[{"name":"A","valueFrom":{"configMapKeyRef":{"name":"c","key":"k"},"secretKeyRef":{"name":"s","key":"k"}}}]}"#,
                [#"env[0].valueFrom: Invalid value: "": may not have more than one field specified at a time"#]
            ),
            (
                #"{"env":[{"name":"A","valueFrom":{"fileKeyRef":{"volumeName":"V","path":"..a","key":"b=c"}}}]}"#,
                [
                    #"env[0].valueFrom.fileKeyRef.key: Invalid value: "b=c": must be printable ASCII without '='"#,
                    #"env[0].valueFrom.fileKeyRef.volumeName: Invalid value: "V": must be a lowercase RFC 1123 label: at most 63 lower case letters, digits or '-', with a letter or digit at both ends (e.g. 'my-name' or '123-abc')"#,
                    #"env[0].valueFrom.fileKeyRef.path: Invalid value: "..a": must not start with '..'"#,
                ]
            ),
            (
                #"{"env":[{"name":"A","valueFrom":{"fileKeyRef":{"volumeName":"","path":"","key":""}}}]}"#,
                [
                    "env[0].valueFrom.fileKeyRef.key: Required value",
                    "env[0].valueFrom.fileKeyRef.volumeName: Required value",
                    "env[0].valueFrom.fileKeyRef.path: Required value",
                ]
            ),
            (
                #"{"env":[{"name":"A","valueFrom":{"fieldRef":{"fieldPath":"status.phase"}}}]}"#,
                [
                    #"env[0].valueFrom.fieldRef.fieldPath: Unsupported value: "status.phase": supported values: "metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName", "status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs""#
                ]
            ),
            (
                #"{"env":[{"name":"A","valueFrom":{"fieldRef":{"fieldPath":"spec.foo"}}}]}"#,
                [
                    #"env[0].valueFrom.fieldRef.fieldPath: Invalid value: "spec.foo": error converting fieldPath: field label not supported: spec.foo"#
                ]
            ),
            (#"{"env":[{"name":"A","valueFrom":{"fieldRef":{"fieldPath":"metadata.labels['a/b']"}}}]}"#, []),
            (
                #"{"env":[{"name":"A","valueFrom":{"resourceFieldRef":{"resource":"limits.gpu"}}}]}"#,
                [
                    #"env[0].valueFrom.resourceFieldRef.resource: Unsupported value: "limits.gpu": supported values: "limits.cpu", "limits.ephemeral-storage", "limits.memory", "requests.cpu", "requests.ephemeral-storage", "requests.memory""#
                ]
            ),
            (
                #"{"env":[{"name":"A","valueFrom":{"resourceFieldRef":{"resource":"limits.cpu","divisor":"10m"}}}]}"#,
                [
                    #"env[0].valueFrom.resourceFieldRef.divisor: Invalid value: "limits.cpu": only divisor's values 1m and 1 are supported with the cpu resource"#
                ]
            ),
            (
                #"{"envFrom":[{}]}"#,
                ["envFrom[0]: Invalid value: \"\": must specify one of: `configMapRef` or `secretRef`"]
            ),
            (#"{"envFrom":[{"configMapRef":{}}]}"#, ["envFrom[0].configMapRef.name: Required value"]),
            (
                #"{"volumeMounts":[{"name":"data","mountPath":"/data"}]}"#,
                [#"volumeMounts[0].name: Not found: "data""#]
            ),
            (
                #"{"volumeMounts":[{"name":"v","mountPath":"/a"},{"name":"v","mountPath":"/a"}]}"#,
                [#"volumeMounts[1].mountPath: Invalid value: "/a": must be unique"#]
            ),
            (#"{"volumeMounts":[{"name":"v","mountPath":"/a:b"}]}"#, []),
            (
                #"{"volumeMounts":[{"name":"v","mountPath":"/a","subPath":"../b"}]}"#,
                [#"volumeMounts[0].subPath: Invalid value: "../b": must not contain '..'"#]
            ),
            (
                #"{"volumeMounts":[{"name":"v","mountPath":"/a","mountPropagation":"Bidirectional"}]}"#,
                [
                    "volumeMounts[0].mountPropagation: Forbidden: Bidirectional mount propagation is available only to privileged containers"
                ]
            ),
            (
                #"{"volumeMounts":[{"name":"v","mountPath":"/a","readOnly":true,"recursiveReadOnly":"Enabled","mountPropagation":"HostToContainer"}]}"#,
                [
                    "volumeMounts[0].recursiveReadOnly: Forbidden: may only be specified when mountPropagation is None or not specified"
                ]
            ),
            (
                #"{"volumeDevices":[{"name":"v","devicePath":"/dev/x"}]}"#,
                [
                    #"volumeDevices[0].name: Invalid value: "v": can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode"#
                ]
            ),
            (
                #"{"resources":{"requests":{"cpu":"2"},"limits":{"cpu":"1"}}}"#,
                [#"resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1"#]
            ),
            (
                #"{"resources":{"requests":{"cpu":"-1"}}}"#,
                [#"resources.requests[cpu]: Invalid value: "-1": must be greater than or equal to 0"#]
            ),
            (
                #"{"resources":{"requests":{"gpu":1}}}"#,
                [
                    #"resources.requests[gpu]: Invalid value: "gpu": must be a standard resource type or fully qualified"#,
                    #"resources.requests[gpu]: Invalid value: "gpu": must be a standard resource for containers"#,
                ]
            ),
            (
                #"{"resources":{"requests":{"pods":1}}}"#,
                [#"resources.requests[pods]: Invalid value: "pods": must be a standard resource for containers"#]
            ),
            (
                #"{"resources":{"limits":{"vendor.example/gpu":"500m"},"requests":{"vendor.example/gpu":"500m"}}}"#,
                [
                    #"resources.limits[vendor.example/gpu]: Invalid value: "500m": must be an integer"#,
                    #"resources.requests[vendor.example/gpu]: Invalid value: "500m": must be an integer"#,
                ]
            ),
            (
                #"{"resources":{"requests":{"vendor.example/gpu":1}}}"#,
                ["resources.limits: Required value: Limit must be set for non overcommitable resources"]
            ),
            (
                #"{"resources":{"limits":{"vendor.example/gpu":2},"requests":{"vendor.example/gpu":1}}}"#,
                [#"resources.requests: Invalid value: "1": must be equal to vendor.example/gpu limit of 2"#]
            ),
            (
                #"{"resources":{"limits":{"requests.example/gpu":1}}}"#,
                [
                    #"resources.limits[requests.example/gpu]: Invalid value: "requests.example/gpu": doesn't follow extended resource name standard"#,
                    #"resources.requests[requests.example/gpu]: Invalid value: "requests.example/gpu": doesn't follow extended resource name standard"#,
                ]
            ),
            (#"{"resources":{"limits":{"pod.kubernetes.io/thing":1},"requests":{"pod.kubernetes.io/thing":0}}}"#, []),
            (
                #"{"resources":{"limits":{"hugepages-2Mi":"4Mi"}}}"#,
                ["resources: Forbidden: HugePages require cpu or memory"]
            ),
            (
                #"{"resources":{"limits":{"hugepages-2Mi":"3Mi","cpu":1}}}"#,
                [
                    #"resources.limits[hugepages-2Mi]: Invalid value: "3Mi": 3Mi is not positive integer multiple of hugepages-2Mi"#,
                    #"resources.requests[hugepages-2Mi]: Invalid value: "3Mi": 3Mi is not positive integer multiple of hugepages-2Mi"#,
                ]
            ),
            (
                #"{"resizePolicy":[{"resourceName":"cpu","restartPolicy":"NotRequired"},{"resourceName":"cpu","restartPolicy":"NotRequired"}]}"#,
                [#"resizePolicy[1]: Duplicate value: "cpu""#]
            ),
            (#"{"livenessProbe":{}}"#, ["livenessProbe: Required value: must specify a handler type"]),
            (
                #"{"livenessProbe":{"exec":{"command":["a"]},"tcpSocket":{"port":1}}}"#,
                ["livenessProbe.tcpSocket: Forbidden: may not specify more than 1 handler type"]
            ),
            (
                #"{"livenessProbe":{"exec":{"command":["a"]},"successThreshold":2}}"#,
                ["livenessProbe.successThreshold: Invalid value: 2: must be 1"]
            ),
            (
                #"{"livenessProbe":{"exec":{"command":["a"]},"periodSeconds":-1}}"#,
                ["livenessProbe.periodSeconds: Invalid value: -1: must be greater than or equal to 0"]
            ),
            (
                #"{"livenessProbe":{"exec":{"command":["a"]},"periodSeconds":0,"timeoutSeconds":0,"successThreshold":0,"failureThreshold":0}}"#,
                []
            ),
            (
                #"{"livenessProbe":{"exec":{"command":["a"]},"terminationGracePeriodSeconds":0}}"#,
                ["livenessProbe.terminationGracePeriodSeconds: Invalid value: 0: must be greater than 0"]
            ),
            (
                #"{"readinessProbe":{"exec":{"command":["a"]},"terminationGracePeriodSeconds":3}}"#,
                ["readinessProbe.terminationGracePeriodSeconds: Invalid value: 3: must not be set for readinessProbes"]
            ),
            (#"{"readinessProbe":{"exec":{}}}"#, ["readinessProbe.exec.command: Required value"]),
            (
                #"{"readinessProbe":{"tcpSocket":{"port":70000}}}"#,
                ["readinessProbe.tcpSocket.port: Invalid value: 70000: must be between 1 and 65535, inclusive"]
            ),
            (#"{"readinessProbe":{"httpGet":{"port":80,"path":"","scheme":""}}}"#, []),
            (
                #"{"readinessProbe":{"httpGet":{"port":80,"httpHeaders":[{"name":"a b","value":"c"}]}}}"#,
                [
                    #"readinessProbe.httpGet.httpHeaders: Invalid value: "a b": must be letters, digits or '-' (e.g. 'X-Header-Name')"#
                ]
            ),
            (
                #"{"lifecycle":{"preStop":{"sleep":{"seconds":31}}}}"#,
                [
                    "lifecycle.preStop.sleep: Invalid value: 31: must be non-negative and less than terminationGracePeriodSeconds (30)"
                ]
            ),
            (
                #"{"securityContext":{"runAsUser":-1}}"#,
                ["securityContext.runAsUser: Invalid value: -1: must be between 0 and 2147483647, inclusive"]
            ),
            (
                #"{"securityContext":{"allowPrivilegeEscalation":false,"privileged":true}}"#,
                [
                    #"securityContext: Invalid value: {"allowPrivilegeEscalation":false,"privileged":true}: cannot set `allowPrivilegeEscalation` to false and `privileged` to true"#
                ]
            ),
            (#"{"securityContext":{"allowPrivilegeEscalation":false,"capabilities":{"add":["SYS_ADMIN"]}}}"#, []),
            (
                #"{"securityContext":{"procMount":"Unmasked"}}"#,
                ["securityContext.procMount: Invalid value: \"Unmasked\": `hostUsers` must be false to use `Unmasked`"]
            ),
            (
                #"{"securityContext":{"seccompProfile":{"type":"Localhost"}}}"#,
                [
                    "securityContext.seccompProfile.localhostProfile: Required value: must be set when seccomp type is Localhost"
                ]
            ),
            (
                #"{"securityContext":{"appArmorProfile":{"type":"Localhost"}}}"#,
                [
                    "securityContext.appArmorProfile.localhostProfile: Required value: must be set when AppArmor type is Localhost"
                ]
            ),
            (
                #"{"imagePullPolicy":"Sometimes"}"#,
                [
                    #"imagePullPolicy: Unsupported value: "Sometimes": supported values: "Always", "IfNotPresent", "Never""#
                ]
            ),
        ] as [(String, [String])]) func containers(row: (String, [String])) throws
    {
        let change = try JSONValue(parsing: row.0)
        let container = MergePatch.apply(change, to: ["name": "app", "image": "nginx:1"])
        let spec: JSONValue = ["containers": [container], "volumes": [["name": "v"]]]
        #expect(try Rules.faults(Pod.self, ["spec": spec]) == row.1.map { "spec.containers[0]." + $0 })
    }

    @Test(
        arguments: [
            (#"{"containers":[]}"#, ["containers: Required value"]),
            (
                #"{"containers":[{"name":"app","image":"a"},{"name":"app","image":"a"}]}"#,
                [#"containers[1].name: Duplicate value: "app""#]
            ),
            (#"{"initContainers":[{"name":"app","image":"a"}]}"#, [#"initContainers[0].name: Duplicate value: "app""#]),
            (
                #"{"initContainers":[{"name":"i","image":"a","livenessProbe":{"exec":{"command":["a"]}}}]}"#,
                [
                    "initContainers[0].livenessProbe: Forbidden: may not be set for init containers without restartPolicy=Always"
                ]
            ),
            (#"{"volumes":[{"name":"v"},{"name":"v"}]}"#, [#"volumes[1].name: Duplicate value: "v""#]),
            (
                #"{"volumes":[{"name":"v","emptyDir":{},"hostPath":{"path":"/"}}]}"#,
                ["volumes[0].hostPath: Forbidden: may not specify more than 1 volume type"]
            ),
            (
                #"{"volumes":[{"name":"v","emptyDir":{"sizeLimit":"-1"}}]}"#,
                ["volumes[0].emptyDir.sizeLimit: Forbidden: SizeLimit field must be a valid resource quantity"]
            ),
            (
                #"{"volumes":[{"name":"v","hostPath":{"path":"/a/../b"}}]}"#,
                [#"volumes[0].hostPath.path: Invalid value: "/a/../b": must not contain '..'"#]
            ),
            (#"{"volumes":[{"name":"v","configMap":{}}]}"#, ["volumes[0].configMap.name: Required value"]),
            (
                #"{"volumes":[{"name":"v","secret":{"secretName":"s","defaultMode":512}}]}"#,
                [
                    "volumes[0].secret.defaultMode: Invalid value: 512: must be a number between 0 and 0777 (octal), both inclusive"
                ]
            ),
            (
                #"{"volumes":[{"name":"v","secret":{"secretName":"s","items":[{"key":"k","path":"..x"}]}}]}"#,
                [#"volumes[0].secret.items[0].path: Invalid value: "..x": must not start with '..'"#]
            ),
            (
                #"{"volumes":[{"name":"v","nfs":{"server":"s","path":"a"}}]}"#,
                [#"volumes[0].nfs.path: Invalid value: "a": must be an absolute path"#]
            ),
            (
                #"{"volumes":[{"name":"v","downwardAPI":{"items":[{"path":"a"}]}}]}"#,
                ["volumes[0].downwardAPI.items[0]: Required value: one of fieldRef and resourceFieldRef is required"]
            ),
            (
                #"{"volumes":[{"name":"v","downwardAPI":{"items":[{"path":"a","resourceFieldRef":{"resource":"limits.cpu"}}]}}]}"#,
                ["volumes[0].downwardAPI.items[0].resourceFieldRef.containerName: Required value"]
            ),
            (#"{"volumes":[{"name":"v","projected":{"sources":[{}]}}]}"#, []),
            (
                #"{"volumes":[{"name":"v","projected":{"sources":[{"serviceAccountToken":{"path":"t","expirationSeconds":60}}]}}]}"#,
                [
                    "volumes[0].projected.sources[0].serviceAccountToken.expirationSeconds: Invalid value: 60: may not specify a duration less than 10 minutes"
                ]
            ),
            (
                #"{"volumes":[{"name":"v","projected":{"sources":[{"secret":{"name":"s"},"configMap":{"name":"c"}}]}}]}"#,
                ["volumes[0].projected.sources[0]: Forbidden: may not specify more than 1 volume type per source"]
            ),
            (
                #"{"volumes":[{"name":"v","projected":{"sources":[{"secret":{"name":"s","items":[{"key":"k","path":"p"}]}},{"configMap":{"name":"c","items":[{"key":"k","path":"p"}]}}]}}]}"#,
                [#"volumes[0].projected: Invalid value: "p": conflicting duplicate paths"#]
            ),
            (
                #"{"securityContext":{"supplementalGroups":[1,-5,2147483648]}}"#,
                [
                    "securityContext.supplementalGroups[1]: Invalid value: -5: must be between 0 and 2147483647, inclusive",
                    "securityContext.supplementalGroups[2]: Invalid value: 2147483648: must be between 0 and 2147483647, inclusive",
                ]
            ),
            (
                #"{"securityContext":{"sysctls":[{"name":"net.ipv4.ip_forward","value":"1"}]},"hostNetwork":true}"#,
                [
                    #"securityContext.sysctls[0].name: Invalid value: "net.ipv4.ip_forward": may not be specified when 'hostNetwork' is true"#
                ]
            ),
            (
                #"{"securityContext":{"sysctls":[{"name":"kernel.sem","value":"1"},{"name":"kernel.sem","value":"1"}]}}"#,
                [#"securityContext.sysctls[1].name: Duplicate value: "kernel.sem""#]
            ),
            (
                #"{"hostPID":true,"shareProcessNamespace":true}"#,
                ["shareProcessNamespace: Invalid value: true: ShareProcessNamespace and HostPID cannot both be enabled"]
            ),
            (
                #"{"activeDeadlineSeconds":0}"#,
                ["activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647, inclusive"]
            ),
            (#"{"restartPolicy":"","dnsPolicy":"","schedulerName":"","hostname":"","subdomain":"","nodeName":""}"#, []),
            (
                #"{"dnsPolicy":"None"}"#,
                ["dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None"]
            ),
            (
                #"{"dnsPolicy":"None","dnsConfig":{}}"#,
                [
                    "dnsConfig.nameservers: Required value: must provide at least one DNS nameserver when `dnsPolicy` is None"
                ]
            ),
            (
                #"{"dnsConfig":{"nameservers":["1.1.1.1","1.1.1.2","1.1.1.3","1.1.1.4"]}}"#,
                [
                    #"dnsConfig.nameservers: Invalid value: ["1.1.1.1","1.1.1.2","1.1.1.3","1.1.1.4"]: must not have more than 3 nameservers"#
                ]
            ),
            (
                #"{"dnsConfig":{"nameservers":["x"],"searches":["a_b.c.","."],"options":[{}]}}"#,
                [
                    #"dnsConfig.nameservers[0]: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"#,
                    "dnsConfig.options[0]: Required value: must not be empty",
                ]
            ),
            (#"{"schedulingGates":[{"name":"a"},{"name":"a"}]}"#, [#"schedulingGates[1]: Duplicate value: "a""#]),
            (
                #"{"schedulingGates":[{"name":"a"}],"nodeName":"n"}"#,
                ["nodeName: Forbidden: cannot be set until all schedulingGates have been cleared"]
            ),
            (
                #"{"tolerations":[{"operator":"Equal"}]}"#,
                [
                    #"tolerations[0].operator: Invalid value: "Equal": operator must be Exists when `key` is empty, which means "match all values and all keys""#
                ]
            ),
            (
                #"{"tolerations":[{"key":"a","operator":"Exists","value":"b"}]}"#,
                [#"tolerations[0].operator: Invalid value: "b": value must be empty when `operator` is 'Exists'"#]
            ),
            (
                #"{"tolerations":[{"key":"a","effect":"NoSchedule","tolerationSeconds":3}]}"#,
                [
                    "tolerations[0].effect: Invalid value: \"NoSchedule\": effect must be 'NoExecute' when `tolerationSeconds` is set"
                ]
            ),
            (#"{"tolerations":[{"key":"a","operator":"","effect":"","value":""}]}"#, []),
            (
                #"{"affinity":{"nodeAffinity":{"preferredDuringSchedulingIgnoredDuringExecution":[{"weight":101,"preference":{}}]}}}"#,
                [
                    "affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].weight: Invalid value: 101: must be in the range 1-100"
                ]
            ),
            (
                #"{"affinity":{"nodeAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":{"nodeSelectorTerms":[{"matchExpressions":[{"key":"a","operator":"In"}]}]}}}}"#,
                [
                    "affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'"
                ]
            ),
            (
                #"{"affinity":{"nodeAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":{"nodeSelectorTerms":[{"matchFields":[{"key":"metadata.uid","operator":"In","values":["a"]}]}]}}}}"#,
                [
                    #"affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchFields[0].key: Invalid value: "metadata.uid": not a valid field selector key"#
                ]
            ),
            (
                #"{"affinity":{"podAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":[{"topologyKey":"z","matchLabelKeys":["a"]}]}}}"#,
                [
                    "affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].matchLabelKeys: Forbidden: must not be specified when labelSelector is not set"
                ]
            ),
            (
                #"{"topologySpreadConstraints":[{"maxSkew":0,"topologyKey":"z","whenUnsatisfiable":"DoNotSchedule"}]}"#,
                ["topologySpreadConstraints[0].maxSkew: Invalid value: 0: must be greater than zero"]
            ),
            (
                #"{"topologySpreadConstraints":[{"maxSkew":1,"topologyKey":"z","whenUnsatisfiable":"ScheduleAnyway","minDomains":2}]}"#,
                [
                    "topologySpreadConstraints[0].minDomains: Invalid value: 2: can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ScheduleAnyway"
                ]
            ),
            (
                #"{"topologySpreadConstraints":[{"maxSkew":1,"topologyKey":"z","whenUnsatisfiable":"DoNotSchedule"},{"maxSkew":2,"topologyKey":"z","whenUnsatisfiable":"DoNotSchedule"}]}"#,
                [
                    #"topologySpreadConstraints[0].{topologyKey, whenUnsatisfiable}: Duplicate value: "{z, DoNotSchedule}""#
                ]
            ),
            (
                #"{"hostNetwork":true,"containers":[{"name":"app","image":"a","ports":[{"containerPort":80,"hostPort":81}]}]}"#,
                [
                    "containers[0].ports[0].hostPort: Invalid value: 81: must match `containerPort` when `hostNetwork` is true"
                ]
            ),
            (#"{"hostNetwork":true,"containers":[{"name":"app","image":"a","ports":[{"containerPort":80}]}]}"#, []),
            (
                #"{"ephemeralContainers":[{"name":"e","image":"a"}]}"#,
                ["ephemeralContainers: Forbidden: cannot be set on create"]
            ),
            (
                #"{"resourceClaims":[{"name":"a"}]}"#,
                [
                    #"resourceClaims[0]: Invalid value: {"name":"a"}: must specify one of: `resourceClaimName`, `resourceClaimTemplateName`"#
                ]
            ),
            (#"{"hostUsers":false,"hostNetwork":true}"#, ["hostNetwork: Forbidden: when `hostUsers` is false"]),
            (#"{"hostnameOverride":"one.of.many"}"#, []),
            (
                #"{"hostnameOverride":"one.of.many","hostNetwork":true,"setHostnameAsFQDN":true}"#,
                [
                    "hostNetwork: Forbidden: when `hostnameOverride` is set",
                    "setHostnameAsFQDN: Forbidden: when `hostnameOverride` is set",
                ]
            ),
        ] as [(String, [String])]) func specs(row: (String, [String])) throws
    {
        let base: JSONValue = ["containers": [["name": "app", "image": "nginx:1"]]]
        let spec = MergePatch.apply(try JSONValue(parsing: row.0), to: base)
        #expect(try Rules.faults(Pod.self, ["spec": spec]) == row.1.map { "spec." + $0 })
    }

    @Test func annotationsThatMeanSomethingAreRead() throws {
        let spec: JSONValue = ["containers": [["name": "app", "image": "nginx:1"]]]
        let annotations: JSONValue = [
            "kubernetes.io/config.mirror": "x", "controller.kubernetes.io/pod-deletion-cost": "much",
        ]
        #expect(
            try Rules.faults(Pod.self, ["metadata": ["annotations": annotations], "spec": spec]) == [
                #"metadata.annotations[kubernetes.io/config.mirror]: Invalid value: "x": must set spec.nodeName if mirror pod annotation is set"#,
                #"metadata.annotations[controller.kubernetes.io/pod-deletion-cost]: Invalid value: "much": must be a 32bit integer"#,
            ])
    }

    @Test func appArmorAnnotationsAreReadBesideTheFields() throws {
        func faults(_ key: String, _ value: String, _ profile: JSONValue? = nil) throws -> [String] {
            var container: JSONObject = ["name": "app", "image": "nginx:1"]
            if let profile { container["securityContext"] = ["appArmorProfile": profile] }
            let annotations = JSONObject([(Pod.appArmorAnnotation + key, .string(value))])
            return try Rules.faults(
                Pod.self,
                ["metadata": ["annotations": .object(annotations)], "spec": ["containers": [.object(container)]]])
        }
        let mine: JSONValue = ["type": "Localhost", "localhostProfile": "mine"]
        for (value, profile) in [
            ("localhost/mine", nil), ("localhost/mine", mine), ("runtime/default", nil), ("", nil),
        ] {
            #expect(try faults("app", value, profile) == [])
        }
        let path = "metadata.annotations[container.apparmor.security.beta.kubernetes.io/"
        #expect(
            try faults("app", "what") == [
                path + #"app]: Invalid value: "what": invalid AppArmor profile name: "what""#
            ])
        #expect(
            try faults("other", "unconfined") == [path + #"other]: Invalid value: "other": container not found"#])
        let field = "spec.containers[0].securityContext.appArmorProfile"
        #expect(
            try faults("app", "unconfined", mine) == [
                field + ".type: Forbidden: apparmor type in annotation and field must match"
            ])
        #expect(
            try faults("app", "localhost/other", mine) == [
                field + ".localhostProfile: Forbidden: apparmor profile in annotation and field must match"
            ])
    }

    private static let gated: JSONValue = [
        "containers": [["name": "app", "image": "nginx:1", "imagePullPolicy": "IfNotPresent"]],
        "schedulingGates": [["name": "g"]],
        "nodeSelector": ["a": "b"],
    ]

    @Test(
        arguments: [
            (#"{"containers":[{"name":"app","image":"nginx:2"}]}"#, []),
            (
                #"{"containers":[{"name":"app","image":"","imagePullPolicy":"IfNotPresent"}]}"#,
                ["spec.containers[0].image: Required value"]
            ),
            (
                #"{"containers":[{"name":"app","image":"a"},{"name":"b","image":"b"}]}"#,
                ["spec.containers: Forbidden: pod updates may not add or remove containers"]
            ),
            (#"{"schedulingGates":[]}"#, []),
            (
                #"{"schedulingGates":[{"name":"g"},{"name":"h"}]}"#,
                ["spec.schedulingGates[1].name: Forbidden: only deletion is allowed, but found new scheduling gate 'h'"]
            ),
            (#"{"nodeSelector":{"c":"d"}}"#, []),
            (
                #"{"nodeSelector":{"a":"c"}}"#,
                [
                    #"spec.nodeSelector: Invalid value: {"a":"c"}: only additions to spec.nodeSelector are allowed (no mutations or deletions)"#
                ]
            ),
            (
                #"{"affinity":{"nodeAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":{"nodeSelectorTerms":[{"matchExpressions":[{"key":"a","operator":"Exists"}]}]}}}}"#,
                []
            ),
            (#"{"activeDeadlineSeconds":5}"#, []),
        ] as [(String, [String])]) func changes(row: (String, [String])) throws
    {
        let new = MergePatch.apply(try JSONValue(parsing: row.0), to: Self.gated)
        #expect(try Rules.faults(Pod.self, ["spec": new], after: ["spec": Self.gated]) == row.1)
    }

    @Test func aRefusedChangeIsNamed() throws {
        let new = MergePatch.apply(
            ["containers": [["name": "app", "image": "a:1", "command": ["sh"]]]], to: Self.gated)
        let faults = try Rules.faults(Pod.self, ["spec": new], after: ["spec": Self.gated])
        #expect(faults.count == 1)
        #expect(faults.first?.hasSuffix("\nchanged: spec.containers[0].command") == true)
    }
}

/// What a server finds wrong with an object.
enum Rules {
    static func faults<Object: APIObject>(
        _ type: Object.Type, _ object: JSONValue, after old: JSONValue? = nil
    ) throws -> [String] {
        let definition = try #require(Kinds.all.first { $0.kind == type.kind })
        let base: JSONValue = ["metadata": ["name": "a", "namespace": "default"]]
        let before = old.flatMap { completed(MergePatch.apply($0, to: base), definition) }
        let new = try #require(completed(MergePatch.apply(object, to: base), definition))
        var errors = definition.schema.check(.object(new))
        if let before { errors += definition.schema.checkUpdate(from: .object(before), to: .object(new)) }
        errors += definition.validate(new, before)
        var seen: Set<String> = []
        return errors.map(\.description).filter { seen.insert($0).inserted }
    }

    private static func completed(_ value: JSONValue, _ definition: KindDefinition) -> JSONObject? {
        var value = value
        definition.schema.prune(&value)
        definition.schema.applyDefaults(&value)
        guard case .object(var object) = value else { return nil }
        definition.complete(&object)
        return object
    }
}
