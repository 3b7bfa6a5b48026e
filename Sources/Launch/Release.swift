/// Which Swiftlet this is: of the daemon, its commands and `swiftlet-oci` alike.
package enum Release {
    package static let version = "0.1.0"
}
