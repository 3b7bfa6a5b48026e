/// The texts of --help and --version.
enum Usage {
    static let version = """
        swiftlet-oci version \(Session.version)
        spec: \(Session.version)
        """

    static let text = """
        swiftlet-oci: runs containers as the OCI runtime specification describes them, with the options of runc.

        usage: swiftlet-oci [--root DIR] [--log FILE] [--log-format text|json] [--systemd-cgroup]
                            [--cgroup-manager cgroupfs|systemd|disabled] COMMAND ...

          create  [--bundle DIR] [--console-socket SOCKET] [--pid-file FILE] [--preserve-fds N] [--no-new-keyring] ID
          start   ID
          run     [options of create] [--detach] [--keep] ID
          exec    [--process FILE] [--tty] [--console-socket SOCKET] [--detach] [--pid-file FILE] [--cwd DIR] [--env N=V]
                  [--user UID[:GID]] [--additional-gids GID] [--cap NAME] [--no-new-privs] [--preserve-fds N]
                  [--ignore-paused] ID PROGRAM [ARGUMENTS]
          state   ID
          kill    [--all] ID [SIGNAL]
          delete  [--force] ID
          list    [--format table|json] [--quiet]
          ps      [--format table|json] ID [OPTIONS OF PS]
          pause   ID
          resume  ID
          update  [--resources FILE] [--memory BYTES] [--cpu-quota US] [--cpu-period US] [--cpu-share N]
                  [--cpuset-cpus LIST] [--pids-limit N] ... ID
          events  [--interval 5s] [--stats] ID
          features
          spec    [--bundle DIR] [--rootless]
        """
}
