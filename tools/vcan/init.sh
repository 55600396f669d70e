#!/bin/busybox sh
# PID 1 of the guest that tools/vcan.py starts. /job (rendered by that tool) sets MODULES, CHANNELS, CONTROLLERS, PORTS,
# RESULTS and SHARES; /command is what runs. Two ports lead out, of virtio or consoles of a user-mode kernel: the first
# takes one line a stage (up, ended N, exit N, fail ...), the second the command's output. Nothing here prints to the console but errors, so that its log is worth reading when
# a guest dies.

export PATH=/bin
/bin/busybox mkdir -p /proc /sys /dev /lower /cover /new
/bin/busybox --install -s /bin
. /job

exec 3>/dev/null

stage() { echo "$*" >&3; }

fail() {
    echo "vcan init: $*" >/dev/console
    stage "fail $*"
    sync
    poweroff -f
}

load_modules() {
    for module in $MODULES; do
        insmod "/modules/$module" || echo "vcan init: module $module was not loaded" >/dev/console
    done
}

open_control() {
    if [ "$SHARES" = hostfs ]; then
        stty -F /dev/tty1 raw && stty -F /dev/tty2 raw || fail "no consoles"
        exec 3>/dev/tty1
        output=/dev/tty2
        return
    fi
    for attempt in $(seq 200); do
        set -- /dev/vport*p1 /dev/vport*p2
        [ -c "$1" ] && [ -c "$2" ] && break
        usleep 10000
    done
    [ -c "$2" ] || fail "no virtio ports"
    exec 3>"$1"
    output=$2
}

# share NAME DIRECTORY HOW PLACE: a directory of the host, ro or rw.
share() {
    if [ "$SHARES" = hostfs ]; then
        mount -t hostfs -o "$3,$2" none "$4"
        return
    fi
    case $3 in ro) cache=loose ;; *) cache=mmap ;; esac
    mount -t 9p -o "$3,cache=$cache,trans=virtio,version=9p2000.L,msize=1048576" "$1" "$4"
}

mount_root() {
    share root / ro /lower || fail "the host's root did not mount"
    mount -t tmpfs -o size=75% cover /cover
    mkdir /cover/upper /cover/work
    mount -t overlay -o lowerdir=/lower,upperdir=/cover/upper,workdir=/cover/work root /new || fail "no overlay"
    mkdir -p /new/tmp/vcan-home
    [ -z "$RESULTS" ] && return
    mkdir -p "/new$RESULTS"
    share results "$RESULTS" rw "/new$RESULTS" || fail "the results directory did not mount"
}

mount_kernel_files() {
    mount -t proc proc /new/proc
    mount -t sysfs sysfs /new/sys
    mount -t devtmpfs dev /new/dev
    mkdir -p /new/dev/pts /new/dev/shm
    mount -t devpts -o mode=620,ptmxmode=666 devpts /new/dev/pts
    mount -t tmpfs -o mode=1777 shm /new/dev/shm
    ln -s /proc/self/fd /new/dev/fd
    for number in 0:stdin 1:stdout 2:stderr; do
        ln -s "/proc/self/fd/${number%%:*}" "/new/dev/${number##*:}"
    done
}

# QEMU's bus takes no time, and a controller holds five frames: with both interrupts on one CPU the receiver's is served
# before the sender's next frame, whatever the host does with the other CPU.
tie_interrupts() {
    [ -z "$CONTROLLERS" ] || echo 1 >/proc/irq/default_smp_affinity
}

bring_up_network() {
    ip link set lo up
    for channel in $CHANNELS; do
        ip link add "$channel" type vcan || fail "no $channel"
        ip link set "$channel" mtu 72
        ip link set "$channel" up || fail "$channel did not come up"
    done
    [ -z "$PORTS" ] && return
    ip addr add 10.0.2.15/24 dev eth0 && ip link set eth0 up || fail "no network device"
    for port in $PORTS; do
        nc -ll -p "$port" -e /bin/nc 10.0.2.2 "$port" </dev/null >/dev/null 2>&1 &
    done
}

# The command writes into a pipe: unlike a virtio port it can be opened again through /dev/stdout.
run_command() {
    mkfifo /output
    cat /output >"$output" &
    reader=$!
    exec 4>/output
    setsid chroot /new /bin/sh -c "$(cat /command)" </dev/null >&4 2>&1 3>&- 4>&-
    status=$?
    stage "ended $status"
    exec 4>&-
    kill_leftovers "$reader"
    wait "$reader"
}

# Whatever the command left running: everything with a memory map but this shell and the reader.
kill_leftovers() {
    for process in /proc/[0-9]*; do
        number=${process#/proc/}
        [ "$number" = 1 ] || [ "$number" = "$1" ] || [ ! -e "$process/exe" ] || kill -9 "$number" 2>/dev/null
    done
}

mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
tie_interrupts
load_modules
open_control
mount_root
mount_kernel_files
bring_up_network
stage up
run_command
[ -z "$RESULTS" ] || umount "/new$RESULTS" || sync
stage "exit $status"
poweroff -f
