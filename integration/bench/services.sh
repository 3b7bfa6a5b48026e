#!/bin/bash
# The time of the service rules: 5,000 services at once, then one service's change beside them. Needs root.
exec "$(dirname "$0")/../network.sh" bench
