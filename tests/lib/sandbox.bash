# SPDX-License-Identifier: GPL-2.0-or-later
# For tests in qubes that are real. Where the machine does not permit what a sandbox needs, which is tried without any
# program of ours, they are skipped.
# shellcheck shell=bash

export QVM_QREXEC_CLIENT=$QVM_BUILD/lib/qvm-tools/qrexec-client

# Says why not, and fails.
sandbox_probe() {
	local image=$BATS_FILE_TMPDIR/probe.img said
	mke2fs -q -F -t ext4 "$image" 1M >/dev/null || return
	said=$(bwrap --unshare-all --unshare-user --uid 0 --gid 0 --cap-add ALL --ro-bind / / --dev /dev \
		--dev-bind /dev/fuse /dev/fuse --tmpfs /mnt --bind "$image" /mnt/image --proc /proc \
		sh -c 'mkdir /mnt/fs && fuse2fs -o fakeroot /mnt/image /mnt/fs && umount /mnt/fs' 2>&1) || {
		echo "sandboxes are not permitted here: $said"
		return 1
	}
}

# For setup_file: a daemon whose qubes are real.
start_sandboxes() {
	local why
	why=$(sandbox_probe) || skip "$why"
	start_daemon "$@" --require-bwrap
}

# For setup_file: the same under a policy, first an empty one; who is asked says personal. work and personal run.
start_under_policy() {
	export POLICY=$BATS_FILE_TMPDIR/policy.d
	mkdir -p "$POLICY/include"
	: >"$POLICY/30.policy"
	printf '#!/bin/sh\ncat >/dev/null\necho allow:personal\n' >"$BATS_FILE_TMPDIR/agent"
	chmod +x "$BATS_FILE_TMPDIR/agent"
	start_sandboxes default --policy-dir "$POLICY" --policy-agent "$BATS_FILE_TMPDIR/agent"
	qvm-start work personal
}
# The rules from now on, from standard input.
policy() { cat >"$POLICY/new" && mv "$POLICY/new" "$POLICY/30.policy"; }

# call QUBE SERVICE [USER]: what dom0 calls, with these streams and its status.
call() { timeout 30 "$QVM_QREXEC_CLIENT" -d "$1" "${3:-DEFAULT}:QUBESRPC $2 dom0"; }
# inside QUBE COMMAND [USER]: a line for its shell.
inside() { timeout 30 "$QVM_QREXEC_CLIENT" -d "$1" -p "$2"$'; exit\n' "${3:-DEFAULT}:QUBESRPC qubes.VMShell+ dom0" </dev/null; }

# await COMMAND: until it succeeds, ten seconds at most.
await() {
	local i
	for ((i = 0; i < 1000; i++)); do
		! bash -c "$1" >/dev/null 2>&1 || return 0
		_tick
	done
	echo "never true: $1" >&2
	return 1
}
export -f call inside await
