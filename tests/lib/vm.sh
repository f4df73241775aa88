# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash disable=SC2317
#
# Makes the balancer's host a virtual machine with an emulated network card behind an emulated
# IOMMU, so that mailraild drives a PCI device with VFIO, as on real hardware. Read after e2e.sh:
# `on lb` and all that concerns the balancer reaches into the machine from here on. It sees the
# files of the machine that it runs on, read-only, under the same names; /run is its own.
#
# Nothing but software emulation is used, so that it works wherever QEMU does.

# The card in the machine.
readonly VM_PCI=0000:00:10.0 VM_MAC=52:54:00:00:25:02
# shellcheck disable=SC2034 # read by wait_until
PATIENCE=4

[ "$(uname -m)" = x86_64 ] || {
	echo 'the virtual machine is an x86-64 one, without KVM'
	exit 77
}

# --- its kernel

readonly VM_MODULES=(9p 9pnet_virtio virtio_pci virtio_net e1000e vfio-pci vfio_iommu_type1 tun
	8021q sch_multiq)

# vm_kernel: where the kernel is, downloaded and unpacked once; nothing is installed.
vm_kernel()
{
	local package directory

	package=$(apt-cache depends linux-image-amd64 | awk '$1 == "Depends:" { print $2; exit }')
	directory=$BUILD/vm/$package
	if [ ! -e "$directory/order" ]; then
		rm -rf "$directory"
		mkdir -p "$directory"
		vm_kernel_unpack "$package" "$directory" >&2 || return
	fi
	printf '%s' "$directory"
}

# vm_kernel_unpack PACKAGE DIRECTORY: leaves there the kernel, the modules that are wanted, and
# the order in which they load.
vm_kernel_unpack()
{
	local release=${1#linux-image-} work=$WORLD/kernel module

	mkdir "$work" && chown _apt "$work" || return
	(cd "$work" && apt-get -q download "$1" && dpkg-deb -x ./*.deb .) || return
	depmod -b "$work" "$release" || return
	for module in "${VM_MODULES[@]}"; do
		modprobe -d "$work" -S "$release" --show-depends "$module" || return
	done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' >"$work/paths"
	xargs -d '\n' cp -t "$2" "$work/boot/vmlinuz-$release" <"$work/paths" &&
		mv "$2/vmlinuz-$release" "$2/vmlinuz" &&
		xargs -d '\n' -n 1 basename <"$work/paths" >"$2/order" &&
		rm -rf "$work"
}

# vm_ramdisk KERNEL: prints what the machine has before it sees any file.
vm_ramdisk()
{
	local root=$WORLD/ramdisk

	mkdir -p "$root/bin" "$root/modules"
	cp /bin/busybox "$root/bin"
	cp "$PROJECT/tests/lib/vm/init" "$root"
	cp "$1"/*.ko "$1/order" "$root/modules"
	(cd "$root" && find . | cpio --quiet -o -H newc)
}

# --- the machine

# What a test may set before: the card, as -device has it; its queues; more of QEMU's options.
VM_CARD=e1000e
VM_QUEUES=1

# A port of the switch, on which the machine's card is; there is nothing else about the host.
balancer_host_add()
{
	mkdir -p "$WORLD/lb"
	mkfifo "$WORLD/lb/agent.in" "$WORLD/lb/agent.out"
	exec 8<>"$WORLD/lb/agent.in" 9<>"$WORLD/lb/agent.out"
	need 'a virtual machine starts' vm_start
}

vm_start()
{
	local files=local,security_model=none,readonly=on,multidevs=remap kernel

	kernel=$(vm_kernel) || return
	vm_ramdisk "$kernel" >"$WORLD/lb/ramdisk"
	start switch qemu nice qemu-system-x86_64 -nodefaults -no-user-config -display none \
		-no-reboot -machine q35 -accel tcg -cpu max -smp 2 -m 2G \
		-kernel "$kernel/vmlinuz" -initrd "$WORLD/lb/ramdisk" \
		-append "console=ttyS0 panic=-1 intel_iommu=on rdinit=/init \
agent=$PROJECT/tests/lib/vm/agent world=$WORLD" \
		-chardev "file,id=console,path=$WORLD/lb/console.log" -serial chardev:console \
		-chardev "pipe,id=agent,path=$WORLD/lb/agent" -serial chardev:agent \
		-virtfs "$files,path=/,mount_tag=host" -virtfs "$files,path=$WORLD,mount_tag=world" \
		-device intel-iommu \
		-netdev "tap,id=card,ifname=lb,script=no,downscript=no,queues=$VM_QUEUES" \
		-device "$VM_CARD,netdev=card,mac=$VM_MAC,addr=${VM_PCI:8:2},romfile="
	wait_until 10 vm_is_wired || return
	on switch sysctl -qw net.ipv6.conf.lb.disable_ipv6=1
	on switch ip link set lb master br0 up
	vm_answer ready 60
}

vm_is_wired()
{
	! is_running switch qemu || on switch ip link show dev lb >/dev/null 2>&1
}

# vm_do COMMAND...: as if here, but without its standard input.
vm_do()
{
	local number=${EPOCHREALTIME//[^0-9]/}

	printf '%s%s\n' "$number" "$(printf ' %q' "$@")" >&8
	vm_answer "$number" 120
}

# vm_answer NUMBER SECONDS: prints what the machine says up to the end of that answer.
vm_answer()
{
	local line='' part deadline=$((SECONDS + $2))

	while [ "$SECONDS" -lt "$deadline" ] && is_running switch qemu; do
		IFS= read -r -t 1 part <&9 || {
			line+=$part # the rest may come
			continue
		}
		line+=$part
		case $line in
		"= $1 "*) return "${line##* }" ;;
		'= '*) ;; # of a command that nobody waited for any longer
		*) printf '%s\n' "$line" ;;
		esac
		line=
	done
	{
		echo 'the virtual machine does not answer'
		cat "$WORLD/switch/qemu.log"
	} >&2
	return 1
}

# vm_bind DRIVER: gives the card to it.
vm_bind()
{
	on lb sh -c 'cd "/sys/bus/pci/devices/$1" &&
		echo "$2" >driver_override &&
		if [ -e driver ]; then echo "$1" >driver/unbind; fi &&
		echo "$1" >/sys/bus/pci/drivers_probe' - "$VM_PCI" "$1" && vm_is_bound "$1"
}

vm_is_bound()
{
	equal "$(on lb readlink "/sys/bus/pci/devices/$VM_PCI/driver" | sed 's/.*\///')" "$1"
}

# --- the host lb

on()
{
	local host=$1

	shift
	if [ "$host" = lb ]; then
		vm_do "$@"
	else
		ip netns exec "$(host_netns "$host")" "$@"
	fi
}

# vm_spawn NAME COMMAND...: in the background; what it says is on the machine's console.
vm_spawn()
{
	local name=$1

	shift
	on lb sh -c 'setsid "$@" >/dev/console 2>&1 & echo $!' - "$@" >"$WORLD/lb/$name.pid"
}

vm_is_running()
{
	on lb kill -0 "$(pid_of lb "$1")" 2>/dev/null
}

balancer_start()
{
	vm_spawn mailraild "$BUILD/control/mailraild" --config "$(balancer_file)" "$@"
	wait_until 20 balancer_answers_or_ended
	vm_is_running mailraild && balancer_answers
}

balancer_answers_or_ended()
{
	balancer_answers || ! vm_is_running mailraild
}

balancer_stop()
{
	on lb kill "$(pid_of lb mailraild)"
	wait_while 10 vm_is_running mailraild && not vm_process_has_crashed
}

# The kernel has said so.
vm_process_has_crashed()
{
	on lb dmesg | grep -E 'segfault|general protection|traps:'
}

# The configuration's "socket" is to be VM_SOCKET, and its "state" VM_STATE: the machine does not
# write to the world's directory.
readonly VM_SOCKET=/run/mailrail.sock VM_STATE=/run/mailrail-sessions
ctl()
{
	on lb "$BUILD/tools/mailrailctl" --socket $VM_SOCKET "$@"
}

# vm_web_start: as web_start, on the machine.
vm_web_start()
{
	mkdir -p "$WORLD/lb/web"
	echo lb >"$WORLD/lb/web/whose"
	vm_spawn web busybox httpd -f -p 8080 -h "$WORLD/lb/web"
	wait_until 10 listens lb tcp 8080
}
