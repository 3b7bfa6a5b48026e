import CLaunch

/// The daemon hands the listening socket over as descriptor 3.
func serve() {
    cm_harden()
    guard var monitor = Monitor(listener: 3) else { cm_exit(1) }
    monitor.run()
}

serve()
