#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# A port on a virtio card with two queues, by VFIO behind an IOMMU: the card spreads sessions over
# two workers, mail passes, the twin carries what is the kernel's, and the kernel gets the card
# back. On hugepages.
#
#   clients 198.51.100.0/24     --.          .-- mx1 10.25.0.11, fd25::11
#           2001:db8:25::/64       [ switch ]
#   HTTP on 8080                  |          '-- mx2 10.25.0.12, fd25::12
#   lb, a virtual machine: virtio -- port "wan"
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

hugepages_are_used()
{
	[ "$(on lb awk '$1 == "HugePages_Total:" { total = $2 } $1 == "HugePages_Free:" {
		print total - $2 }' /proc/meminfo)" -gt 20 ]
}

VM_QUEUES=2
VM_CARD=virtio-net-pci,mq=on,vectors=6,rss=on,iommu_platform=on,disable-legacy=on
pci_begin virtio
pci_refusals virtio-pci
on lb sh -c 'echo 256 >/proc/sys/vm/nr_hugepages'
pci_configure '.workers.cores = [0, 1]'
pci_start 1500
check 'on hugepages' hugepages_are_used
pci_carries_all
check 'each worker had a tenth at least' workers_share
pci_stop virtio-pci
e2e_end
