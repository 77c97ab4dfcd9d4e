#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# A program in a qube that is real sends to the socket there what no client of ours would (tests/lib/hostile.c): the
# daemon answers others as ever, and in the end has no more descriptors, threads and memory than before.
load lib/common
load lib/sandbox

setup_file() {
	export POLICY=$BATS_FILE_TMPDIR/policy.d LOG=$BATS_FILE_TMPDIR/log
	mkdir "$POLICY"
	: >"$POLICY/30.policy"
	# What is freed is to be seen: the sanitizer else keeps hundreds of MiB for itself.
	ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}quarantine_size_mb=1 start_sandboxes default --policy-dir "$POLICY" --log "$LOG"
	qvm-start work personal
	arm work
}
teardown_file() { stop_all; }

# Brings the program into a qube.
arm() { call "$1" qubes.VMExec+sh+--c+cat-20-3Ehostile-3B-20chmod-20-2Bx-20hostile <"$TESTBIN/hostile"; }

setup() {
	before=$(descriptors)
	threads=$(threads)
}

descriptors() { find "/proc/$QVMD_PID/fd" -type l | wc -l; }
threads() { find "/proc/$QVMD_PID/task" -mindepth 1 -maxdepth 1 | wc -l; }
memory() { sed -n 's/^VmRSS:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$QVMD_PID/status"; }
export -f descriptors threads

hostile() { inside work "./hostile /run/qvm/qrexec.sock $*"; }
export -f hostile

# Others are answered, while something goes on.
answered() {
	expect 0 'timeout 10 qvm-prefs personal label' $'yellow\n' ''
	expect 0 "timeout 10 bash -c 'inside personal hostname'" $'personal\n' ''
}

# Nothing is left of it.
clean() {
	await "[ \$(descriptors) = $before ] && [ \$(threads) = $threads ]"
	kill -0 "$QVMD_PID"
	assert_equal "$(LC_ALL=C tr -d '\n -~' <"$LOG" | wc -c)" 0
	assert_equal "$(LC_ALL=C tr -d '\n -~' <"$QVMD_STATE.err" | wc -c)" 0
}

ANSWERS='length 0: closed
length 1: closed
length 4: closed
length 11: closed
length 12: closed
length 13: closed
length 66024: closed
length 66025: closed
length 150000: closed
text 265: 3 126
text 266: closed
text 65001: 3 126
text 65002: 3 125 malformed call
text 0: 3 125 malformed call
kind -1: closed
kind 0: closed
kind 2: 3 125 malformed call
kind 3: 3 125 malformed call
kind 4: 3 125 malformed call
kind 5: 3 125 malformed call
kind 9: 3 125 malformed call
kind 10: closed
kind 2147483647: closed
name 0: 3 126
name 1: 3 126
name 2: 3 126
name 3: 3 126
descriptors 0: 3 125 malformed call
descriptors 1: 3 125 malformed call
descriptors 2: 3 125 malformed call
descriptors 3: 3 126
descriptors 4: 3 125 malformed call
descriptors 5: closed
descriptors 16: closed
descriptors 64: closed
descriptors 128: closed
descriptors 250: closed
descriptors 253: closed
'

@test "messages of a wrong form, length, kind, and number of descriptors; names with control characters" {
	expect 0 'hostile lengths texts kinds controls counts' "$ANSWERS" ''
	answered
	clean
}

@test "a client that goes away behind any byte" {
	expect 0 'hostile cuts' $'cuts 42: done\n' ''
	answered
	clean
}

@test "descriptors that are no pipes, and those whose end lasts: the daemon does not wait for it" {
	expect 0 'timeout 30 bash -c "hostile descriptors"' "$(printf 'descriptor %d: 3 125 only pipes can be passed\n' {0..10})"$'\n' ''
	answered
	expect 0 'timeout 30 bash -c "hostile hidden"' $'hidden 8: sent\n' ''
	answered
	clean
}

# goes_on CASE DESCRIPTORS THREADS: one that does not end goes on in the qube untrusted, takes not more than so many
# and just so many, and nobody notices; with the qube it ends.
goes_on() {
	qvm-start untrusted
	arm untrusted
	"$QVM_QREXEC_CLIENT" -d untrusted -p "exec ./hostile /run/qvm/qrexec.sock $1"$'\n' 'DEFAULT:QUBESRPC qubes.VMShell+ dom0' \
		</dev/null >"$BATS_TEST_TMPDIR/said" 2>&1 3>&- &
	local client=$!
	await "grep -q . '$BATS_TEST_TMPDIR/said'"
	assert_equal "$(<"$BATS_TEST_TMPDIR/said")" "$1: more than are served"
	answered
	expect 0 'timeout 20 qvm-start vault && timeout 20 qvm-kill vault' '' ''
	# of that qube, too
	expect 0 "timeout 10 bash -c 'inside untrusted hostname'" $'untrusted\n' ''
	await "[ \$(threads) = $((threads + $3)) ]"
	(($(descriptors) <= before + $2 + 8)) # of the qube itself
	expect 0 'timeout 20 qvm-kill untrusted' '' ''
	wait "$client" || :
	answered
	clean
}

@test "connections that say nothing: others do not notice, and the end of the qube is the end of them" {
	goes_on silent 64 0
}

@test "files whose close has no end: there are but so many of them" {
	goes_on endless $((64 * 5)) 64
}

@test "the connection for a method of the Admin API takes no descriptors" {
	echo 'admin.vm.List * work dom0 allow target=dom0' >"$POLICY/30.policy"
	run inside work './hostile /run/qvm/qrexec.sock stream'
	: >"$POLICY/30.policy"
	[[ $output != 'stream 1: taken' ]] || skip 'this kernel cannot refuse them (SO_PASSRIGHTS)'
	assert_output 'stream 1: hostile: sendmsg: Operation not permitted'
	answered
	clean
}

@test "the memory does not grow with what was sent" {
	local i was
	hostile >"$BATS_TEST_TMPDIR/first"
	was=$(memory)
	for i in {1..5}; do hostile | cmp - "$BATS_TEST_TMPDIR/first"; done
	(($(memory) < was + 4096)) || { echo "$was kB, then $(memory) kB" && false; }
	clean
}
