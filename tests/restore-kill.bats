#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# kill -9 of the tool and of the daemon at random moments of backups and restores: no half archive under the final name, no
# qube that is half restored and claims to be whole, and a second run succeeds. QVM_KILL_ROUNDS (5) is how often, by turns.

load lib/common
load lib/restore

QUBES='work vault online'

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	restore_fixture r.yaml
	mkdir -p home to && export HOME=$PWD/home
	start_daemon r.yaml --scrypt-logn 10
	echo secret >secret
	profile p <<<"{include: [work, vault, online], destination_vm: dom0, destination_path: $PWD/to, passphrase_text: secret}"
	for q in $QUBES; do seen "$q" >"$q.was"; done
}

backup() { qvm-backup -q -y --profile p >/dev/null 2>&1; }
resume() { qvm-backup-restore -q --continue -p secret backup; }

# How long a command takes, in ms.
measure() {
	local before=${EPOCHREALTIME/./}
	"$@" >/dev/null 2>&1 3>&-
	took=$(((${EPOCHREALTIME/./} - before) / 1000 + 1))
}

# strike tool|daemon COMMAND: kills one of them at some moment while the command runs, or just behind its end.
strike() {
	local victim=$1 ms=$((RANDOM * took / 32767))
	shift
	"$@" >/dev/null 2>&1 3>&- &
	local job=$!
	read -rt "$((ms / 1000)).$(printf %03d $((ms % 1000)))" -u "$_TICK" || :
	if [[ $victim == daemon ]]; then
		kill_daemon
		wait "$job" || :
		start_daemon r.yaml --scrypt-logn 10
	else
		kill -9 "$job" 2>/dev/null || :
		wait "$job" || :
	fi
}

victim() { (($1 % 2)) && echo tool || echo daemon; } # ROUND

# Whatever is there under a final name is whole.
only_whole() {
	local file
	for file in to/*; do
		[[ -e $file && $file != *.partial ]] || continue
		qvm-backup-restore -q --verify-only -p secret "$file" >/dev/null
	done
}

@test "backups" {
	local round victim
	measure backup
	rm to/*
	for ((round = 0; round < ${QVM_KILL_ROUNDS:-5}; round++)); do
		victim=$(victim "$round")
		strike "$victim" exec_backup
		# The daemon does not need the tool; a call that comes behind its run sees the end of that.
		[[ $victim == daemon ]] || raw admin.backup.Cancel+p dom0 >/dev/null
		only_whole
		until backup; do raw admin.backup.Cancel+p dom0 >/dev/null; done
		only_whole
		rm to/*
	done
}
exec_backup() { exec qvm-backup -q -y --profile p; }
exec_restore() { exec qvm-backup-restore -q -p secret backup; }

# The qube is whole, or it has the mark, or it is not there, or it is as bare as it was made.
claims_nothing_wrong() { # QUBE
	raw admin.vm.CurrentState "$1" | grep -q '^0' || return 0
	if raw admin.vm.tag.Get+backup-restore-in-progress "$1" | grep -q '1$'; then
		return 0
	fi
	seen "$1" | diff "$1.was" - >difference && return
	[[ $(raw admin.vm.feature.List "$1") == '0\0' && $(raw admin.vm.volume.Info+private "$1") == *'usage=0\n'* ]] ||
		{ cat difference; return 1; }
}

@test "restores" {
	local round q
	backup
	mv to/* backup
	for q in $QUBES; do raw admin.vm.Remove "$q" >/dev/null; done
	measure exec_restore_in_a_child
	for ((round = 0; round < ${QVM_KILL_ROUNDS:-5}; round++)); do
		for q in $QUBES; do expect 0 "raw admin.vm.Remove $q" $'0\\0\n'; done
		strike "$(victim "$round")" exec_restore
		for q in $QUBES; do claims_nothing_wrong "$q"; done
		run resume
		assert_success
		for q in $QUBES; do seen "$q" | diff "$q.was" -; done
	done
}
exec_restore_in_a_child() { (exec_restore); }
