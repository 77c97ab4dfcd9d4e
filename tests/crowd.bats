# SPDX-License-Identifier: GPL-2.0-or-later
# Nobody is starved: peers that send nothing, read nothing, or vanish cost the others nothing, and the daemon
# nothing that lasts.

load lib/common

# The sanitizer keeps what was freed for a while; without that the memory of a process is what it uses.
export ASAN_OPTIONS=quarantine_size_mb=0:thread_local_quarantine_size_kb=0:detect_leaks=1

open_files() { local f=("/proc/$QVMD_PID/fd/"*) && echo "${#f[@]}"; }
memory_kb() { sed -n 's/^VmRSS:[^0-9]*\([0-9]*\) kB$/\1/p' "/proc/$QVMD_PID/status"; }

# Waits until it has as many files open as it had.
await_open_files() {
	local i
	for ((i = 0; i < 1000; i++)); do
		(($(open_files) == $1)) && return 0
		_tick
	done
	echo "$(open_files) files are open, not $1" >&2
	return 1
}

@test "500 silent connections, 1,000 subscribers of which half never read, clients that vanish: others keep their pace" {
	start_daemon default
	local files memory i best=0 percent
	raw admin.vm.List dom0 >/dev/null
	files=$(open_files)
	for i in 1 2 3 4; do
		run "$TESTBIN/crowd" "$QVM_TEST_SOCKET"
		assert_success
		echo "# $output" >&3
		await_open_files "$files"
		# the first two make room
		((i != 2)) || memory=$(memory_kb)
		percent=${output##*: } percent=${percent%% *}
		((percent <= best)) || best=$percent
	done
	# a machine with more to do than this has its ups and downs: the best counts
	((best >= 60))
	echo "# memory after two crowds $memory KiB, after four $(memory_kb) KiB" >&3
	(($(memory_kb) <= memory + 512))
	stop_daemon
	# with a sanitizer: no leak was found at the end
	assert_equal "$(<"$QVMD_STATE.err")" ''
}

@test "--idle-timeout: who does not end a request is given up, who waits for an answer or events is not" {
	start_daemon default --idle-timeout 1 --start-delay 2500 --log "$BATS_TEST_TMPDIR/log"
	local files caller
	files=$(open_files)
	events_start
	raw admin.vm.Start vault >"$BATS_TEST_TMPDIR/reply" 3>&- &
	caller=$!
	_await_event 'vault domain-pre-start start_guid=True mem_required=None'
	run "$TESTBIN/crowd" -w -i 20 "$QVM_TEST_SOCKET"
	assert_success
	run grep -c 'gave up a request that does not end' "$BATS_TEST_TMPDIR/log"
	assert_output 20
	wait $caller
	assert_equal "$(<"$BATS_TEST_TMPDIR/reply")" '0\0'
	_await_event 'vault domain-start start_guid=True'
	events_stop
	# a qube that runs has sockets of its own
	assert_equal "$(raw admin.vm.Kill vault)" '0\0'
	await_open_files "$files"
}

@test "--max-backlog: how far a subscriber may lag behind" {
	local limit=$((64 * 1024)) lag value i
	value=$(head -c 30000 /dev/zero | tr '\0' x)
	start_daemon empty --max-backlog 64 --log "$BATS_TEST_TMPDIR/log"
	events_start
	kill -STOP "$EVENTS_PID"
	for i in {1..30}; do
		raw admin.vm.feature.Set+f dom0 "$value" >/dev/null
		! grep -q 'gave up' "$BATS_TEST_TMPDIR/log" || break
	done
	lag=$(sed -n 's/.*gave up a subscriber that lags \([0-9]*\) bytes behind$/\1/p' "$BATS_TEST_TMPDIR/log")
	# one change is two events, the second with the old value too
	((lag > limit && lag < limit + 100000))
	kill -CONT "$EVENTS_PID"
}

@test "limits: what is no number, or out of range" {
	local option
	for option in idle-timeout=86401 idle-timeout=-1 max-backlog=0 max-backlog=x max-backlog=1048577 max-connections=0; do
		expect 2 "qvmd --state /nowhere --$option" '' \
			"qvmd: error: argument --${option%=*}: invalid number: '${option#*=}'"$'\n'
	done
}
