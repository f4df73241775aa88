#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# A port on a PCI device, Intel's 82574L with one queue, by VFIO behind an IOMMU: mail passes, its
# twin carries what is the kernel's, and the kernel gets the card back. On ordinary pages.
#
#   clients 198.51.100.0/24     --.          .-- mx1 10.25.0.11, fd25::11
#           2001:db8:25::/64       [ switch ]
#   HTTP on 8080                  |          '-- mx2 10.25.0.12, fd25::12
#   lb, a virtual machine: e1000e -- port "wan"
#       twin "wan" 10.25.0.2, fd25::2, service 10.25.0.10, fd25::10; HTTP on 8080
. "$(dirname "$0")/../lib/e2e.sh"
# shellcheck source=tests/lib/modes.sh
. "$E2E/tests/lib/modes.sh"
# shellcheck source=tests/lib/twin.sh
. "$E2E/tests/lib/twin.sh"
# shellcheck source=tests/lib/vm.sh
. "$E2E/tests/lib/vm.sh"
# shellcheck source=tests/lib/pci.sh
. "$E2E/tests/lib/pci.sh"

pci_begin e1000e
pci_refusals e1000e
pci_configure '.workers.cores = [0, 1]'
need 'two workers start' balancer_start
check 'mailraild warns that the card spreads nothing' \
	grep -q 'cannot spread sessions over queues: one worker of 2' "$WORLD/lb/console.log"
check 'they stop' balancer_stop
pci_configure '.workers.cores = [1]'
pci_start 1500
pci_carries_all
pci_stop e1000e
e2e_end
