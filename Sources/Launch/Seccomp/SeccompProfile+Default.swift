import Glibc

extension SeccompProfile {
    /// The profile of a container that asks for none: what ordinary programs need, and what its capabilities add.
    ///
    /// The calls are those that Docker, containerd and CRI-O agree to allow. All others fail with EPERM; those newer
    /// than any named fail with ENOSYS.
    package static func containerDefault(capabilities mask: UInt64) -> SeccompProfile {
        var rules = [Rule(words(ordinary), .allow)]
        rules += personalities.map { Rule(["personality"], .allow, when: [Condition(0, .equal, $0)]) }
        // Sockets of every family but AF_VSOCK, which reaches past the network namespace.
        rules.append(Rule(["socket"], .allow, when: [Condition(0, .notEqual, 40)]))
        for (capability, calls) in byCapability where mask >> capability & 1 == 1 {
            rules.append(Rule(words(calls), .allow))
        }
        if mask >> systemAdministration & 1 == 0 {
            // No new namespaces. clone3 hides its flags from a filter, so programs must fall back to clone.
            rules.append(Rule(["clone"], .allow, when: [Condition(0, .maskedEqual, 0x7e02_0000, 0)]))
            rules.append(Rule(["clone3"], .fail(UInt16(ENOSYS))))
        }
        return SeccompProfile(
            defaultAction: .fail(UInt16(EPERM)), architectures: foreignArchitectures,
            rules: rules + machineRules, answersUnknownCallsWithENOSYS: true)
    }

    private static func words(_ text: String) -> [String] {
        text.split { $0.isWhitespace }.map(String.init)
    }

    private static let systemAdministration: UInt64 = 21
    private static let personalities: [UInt64] = [0, 8, 0x20000, 0x20008, 0xffff_ffff]

    #if arch(x86_64)
        private static let foreignArchitectures = ["x86"]
        private static let machineRules = [Rule(["arch_prctl", "modify_ldt"], .allow)]
    #else
        private static let foreignArchitectures = ["arm"]
        private static let machineRules = [
            Rule(words("arm_fadvise64_64 arm_sync_file_range breakpoint cacheflush set_tls sync_file_range2"), .allow)
        ]
    #endif

    /// Calls that a capability opens, by its number.
    private static let byCapability: [(UInt64, String)] = [
        (2, "open_by_handle_at"),
        (16, "delete_module finit_module init_module"),
        (17, "ioperm iopl"),
        (18, "chroot"),
        (19, "kcmp pidfd_getfd process_madvise process_vm_readv process_vm_writev"),
        (20, "acct"),
        (
            21,
            """
            bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie mount mount_setattr move_mount
            open_tree perf_event_open quotactl quotactl_fd setdomainname sethostname setns syslog umount umount2 unshare
            """
        ),
        (22, "reboot"),
        (23, "get_mempolicy mbind set_mempolicy set_mempolicy_home_node"),
        (25, "clock_settime clock_settime64 settimeofday stime"),
        (26, "vhangup"),
        (34, "syslog"),
        (38, "perf_event_open"),
        (39, "bpf"),
    ]

    private static let ordinary = """
        accept accept4 access adjtimex alarm bind brk cachestat capget capset chdir chmod chown chown32
        clock_adjtime clock_adjtime64 clock_getres clock_getres_time64 clock_gettime clock_gettime64 clock_nanosleep
        clock_nanosleep_time64 close close_range connect copy_file_range creat dup dup2 dup3 epoll_create
        epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait epoll_wait_old eventfd eventfd2
        execve execveat exit exit_group faccessat faccessat2 fadvise64 fadvise64_64 fallocate fanotify_mark fchdir
        fchmod fchmodat fchmodat2 fchown fchown32 fchownat fcntl fcntl64 fdatasync fgetxattr flistxattr flock fork
        fremovexattr fsetxattr fstat fstat64 fstatat64 fstatfs fstatfs64 fsync ftruncate ftruncate64 futex
        futex_requeue futex_time64 futex_wait futex_waitv futex_wake futimesat getcpu getcwd getdents getdents64
        getegid getegid32 geteuid geteuid32 getgid getgid32 getgroups getgroups32 getitimer getpeername getpgid
        getpgrp getpid getppid getpriority getrandom getresgid getresgid32 getresuid getresuid32 getrlimit
        get_robust_list getrusage getsid getsockname getsockopt get_thread_area gettid gettimeofday getuid getuid32
        getxattr inotify_add_watch inotify_init inotify_init1 inotify_rm_watch io_cancel ioctl io_destroy
        io_getevents io_pgetevents io_pgetevents_time64 ioprio_get ioprio_set io_setup io_submit ipc kill
        landlock_add_rule landlock_create_ruleset landlock_restrict_self lchown lchown32 lgetxattr link linkat
        listen listxattr llistxattr _llseek lremovexattr lseek lsetxattr lstat lstat64 madvise map_shadow_stack
        membarrier memfd_create memfd_secret mincore mkdir mkdirat mknod mknodat mlock mlock2 mlockall mmap mmap2
        mprotect mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedreceive_time64 mq_timedsend
        mq_timedsend_time64 mq_unlink mremap msgctl msgget msgrcv msgsnd msync munlock munlockall munmap
        name_to_handle_at nanosleep newfstatat _newselect open openat openat2 pause pidfd_open pidfd_send_signal
        pipe pipe2 pkey_alloc pkey_free pkey_mprotect poll ppoll ppoll_time64 prctl pread64 preadv preadv2 prlimit64
        process_mrelease pselect6 pselect6_time64 ptrace pwrite64 pwritev pwritev2 read readahead readlink
        readlinkat readv recv recvfrom recvmmsg recvmmsg_time64 recvmsg remap_file_pages removexattr rename renameat
        renameat2 restart_syscall rmdir rseq rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn
        rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64 rt_tgsigqueueinfo sched_getaffinity sched_getattr
        sched_getparam sched_get_priority_max sched_get_priority_min sched_getscheduler sched_rr_get_interval
        sched_rr_get_interval_time64 sched_setaffinity sched_setattr sched_setparam sched_setscheduler sched_yield
        seccomp select semctl semget semop semtimedop semtimedop_time64 send sendfile sendfile64 sendmmsg sendmsg
        sendto setfsgid setfsgid32 setfsuid setfsuid32 setgid setgid32 setgroups setgroups32 setitimer setpgid
        setpriority setregid setregid32 setresgid setresgid32 setresuid setresuid32 setreuid setreuid32 setrlimit
        set_robust_list setsid setsockopt set_thread_area set_tid_address setuid setuid32 setxattr shmat shmctl
        shmdt shmget shutdown sigaltstack signalfd signalfd4 sigprocmask sigreturn socketcall socketpair splice stat
        stat64 statfs statfs64 statx symlink symlinkat sync sync_file_range syncfs sysinfo tee tgkill time
        timer_create timer_delete timer_getoverrun timer_gettime timer_gettime64 timer_settime timer_settime64
        timerfd_create timerfd_gettime timerfd_gettime64 timerfd_settime timerfd_settime64 times tkill truncate
        truncate64 ugetrlimit umask uname unlink unlinkat utime utimensat utimensat_time64 utimes vfork vmsplice
        wait4 waitid waitpid write writev
        """
}
