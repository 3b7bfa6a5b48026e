import JSONTree
import KubernetesAPI
import Testing

@testable import Kubelet

@Suite struct StaticPodTests {
    private func pod(_ spec: JSONObject) -> Pod {
        Pod(storage: ["metadata": ["name": "a", "namespace": "default"], "spec": .object(spec)])
    }

    @Test func whatRefersToTheAPIIsRefusedByName() {
        #expect(pod(["containers": [["name": "c", "image": "i"]]]).refusalAsStatic == nil)
        let spec: JSONObject = [
            "volumes": [["name": "v", "secret": ["secretName": "key"]], ["name": "e", "emptyDir": [:]]],
            "containers": [
                [
                    "name": "c", "envFrom": [["configMapRef": ["name": "settings"]]],
                    "env": [["name": "P", "valueFrom": ["secretKeyRef": ["name": "password", "key": "p"]]]],
                ]
            ],
            "initContainers": [["name": "i", "envFrom": [["secretRef": ["name": "key"]]]]],
        ]
        let refusal = pod(spec).refusalAsStatic
        #expect(refusal?.contains("refers to ConfigMap settings, Secret key, Secret password,") == true)
        #expect(refusal?.contains("hostPath") == true)
    }
}
