/// The version of the monitor's protocol. A monitor serves its pod for months: a daemon must speak every version that a
/// running monitor may have.
package let protocolVersion: UInt32 = 1
