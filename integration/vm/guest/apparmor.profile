# What is denied here is denied to root with every capability.
profile swiftlet-vm flags=(attach_disconnected,mediate_deleted) {
  file,
  network,
  capability,
  signal,
  ptrace,
  mount,
  deny /etc/secret* r,
  deny /tmp/no* w,
}
