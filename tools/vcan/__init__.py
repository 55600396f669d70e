"""Run a command where a CAN interface vcan0 is up, on any Linux: `python tools/vcan.py [options] -- COMMAND [ARG ...]`.

Rules of this package:

- The exit status is COMMAND's (128 + n if signal n ended it), 2 for wrong arguments, 3 when there is no vcan0 or the
  time is up. COMMAND's output goes to stdout, one short progress line a stage to stderr.
- `namespace`: where the kernel has AF_CAN and vcan, COMMAND runs in a network namespace of its own.
- `guest`: elsewhere it runs in a small QEMU guest with Debian's generic kernel, which is unpacked into a cache
  (~/.cache/cockpit-hil/guest or $HIL_GUEST_CACHE) and never installed. QEMU and busybox are installed, given root.
  The guest's root is the host's, read-only under a tmpfs: same paths, same working directory, same Python environment.
  What COMMAND writes is gone afterwards, except below `--results DIR`, which has the same path inside and outside.
  Its stdin is empty.
- The guest gets PATH, locale, Python's and HIL_* variables and what `--env` names; a namespace inherits everything.
- `--host-port N` makes the host's 127.0.0.1:N reachable as 127.0.0.1:N for COMMAND, in both modes; nothing else of the
  host's loopback is. Unix sockets are no way out: a socket file on 9p does not connect two kernels.
- `--controllers N` adds N SJA1000 controllers (QEMU's kvaser_pci under the kernel's own driver), can0 and on, linked by
  a CAN bus of QEMU's. They are down and have no bit rate: whoever uses them sets them up. QEMU's bus is not timed, and
  knows no bit errors, so that no controller goes bus-off by itself. Only in a guest.
- `--usb` loads the kernel's USB/IP host and the drivers of two USB-CAN adapters (gs_usb, ucan): COMMAND may plug in an
  adapter that is a program. Only in a guest. Not usb_8dev: when an adapter of its is pulled it frees memory twice
  (`unlink_all_urbs`, by closing and by disconnecting), and Debian's kernel 6.1 dies of that sooner or later.
- A guest whose kernel hurt itself ends at once (`oops=panic`), one whose command ended has a minute to go: the tool
  says in one line what the kernel said first.
- KVM is tried once a boot of the host, against a time limit: it may open and then hang. The cache keeps the outcome.
- Nothing survives this tool: no process, no interface, no namespace.
- Not for timing: an emulated CPU is ten times slower, and far more in floating point. OCR belongs outside, behind a
  `--host-port`.
"""
