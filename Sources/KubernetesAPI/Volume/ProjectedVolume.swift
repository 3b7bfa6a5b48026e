import APIMachinery
import JSONTree

/// Several sources in one directory.
package struct ProjectedVolumeSource: APIValue {
    package final class Fields: FieldSet {
        package let defaultMode = Total<Int32>(
            "defaultMode", "Permission bits of the files.", default: 0o644)
        package let sources = Total<[VolumeProjection]>("sources", "The sources.", .atomic)
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// One source of a projected volume.
package struct VolumeProjection: APIValue {
    package final class Fields: FieldSet {
        package let clusterTrustBundle = Key<ClusterTrustBundleProjection>(
            "clusterTrustBundle", "Trust anchors of the cluster.")
        package let configMap = Key<ConfigMapProjection>("configMap", "Keys of a ConfigMap.")
        package let downwardAPI = Key<DownwardAPIProjection>("downwardAPI", "Fields of the pod.")
        package let podCertificate = Key<PodCertificateProjection>(
            "podCertificate", "A key and its certificate, renewed in time.")
        package let secret = Key<SecretProjection>("secret", "Keys of a Secret.")
        package let serviceAccountToken = Key<ServiceAccountTokenProjection>(
            "serviceAccountToken", "A token of the pod's service account, renewed in time.")
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// Keys of a ConfigMap.
package struct ConfigMapProjection: APIValue {
    package final class Fields: FieldSet {
        package let items = Total<[KeyToPath]>("items", "The keys that appear, and where; absent: all.", .atomic)
        package let name = Total<String>("name", "Name of the ConfigMap.")
        package let optional = Total<Bool>("optional", "The ConfigMap or its keys may be missing.")
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// Keys of a Secret.
package struct SecretProjection: APIValue {
    package final class Fields: FieldSet {
        package let items = Total<[KeyToPath]>("items", "The keys that appear, and where; absent: all.", .atomic)
        package let name = Total<String>("name", "Name of the Secret.")
        package let optional = Total<Bool>("optional", "The Secret or its keys may be missing.")
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// Fields of the pod.
package struct DownwardAPIProjection: APIValue {
    package final class Fields: FieldSet {
        package let items = Total<[DownwardAPIVolumeFile]>("items", "The files.", .atomic)
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// A token of the pod's service account.
package struct ServiceAccountTokenProjection: APIValue {
    package final class Fields: FieldSet {
        package let audience = Key<String>("audience", "Whom the token is for; the API server where absent.")
        package let expirationSeconds = Total<Int64>(
            "expirationSeconds", "Seconds that a token is valid; it is renewed at four fifths of them.", default: 3600)
        package let path = Total<String>("path", "Relative path of the file.", .required)
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// Trust anchors of the cluster.
package struct ClusterTrustBundleProjection: APIValue {
    package final class Fields: FieldSet {
        package let labelSelector = Key<LabelSelector>(
            "labelSelector", "Bundles of signerName by label; empty: all, absent: none.", .atomic)
        package let name = Key<String>("name", "One bundle by name.")
        package let optional = Total<Bool>("optional", "The bundles may be missing.")
        package let path = Total<String>("path", "Relative path of the file.", .required)
        package let signerName = Key<String>("signerName", "All bundles of this signer.")
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}

/// A private key and the certificate that a signer issued for it.
package struct PodCertificateProjection: APIValue {
    package final class Fields: FieldSet {
        package let certificateChainPath = Key<String>(
            "certificateChainPath", "Relative path of the certificate chain.")
        package let credentialBundlePath = Key<String>(
            "credentialBundlePath", "Relative path of a file with key and chain.")
        package let keyPath = Key<String>("keyPath", "Relative path of the key.")
        package let keyType = Total<String>(
            "keyType", "Kind of the key.", .required,
            .oneOf(["RSA3072", "RSA4096", "ECDSAP256", "ECDSAP384", "ECDSAP521", "ED25519"]))
        package let maxExpirationSeconds = Key<Int32>(
            "maxExpirationSeconds", "Longest life of the certificate in seconds.", .minimum(3600))
        package let signerName = Total<String>("signerName", "The signer.", .required)
        package let userAnnotations = Total<[String: String]>("userAnnotations", "What is passed on to the signer.")
        package init() {}
    }

    package static let fields = Fields()
    package var storage: JSONObject

    package init(storage: JSONObject) {
        self.storage = storage
    }
}
