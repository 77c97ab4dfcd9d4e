#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# qvm-console (tools-runtime 12): in dom0 with a terminal device in place of a console, from a qube with a stand-in for
# the qrexec client.

load lib/common

setup() {
	export QREXEC_LOG=$BATS_TEST_TMPDIR/argv QVM_QREXEC_CLIENT_VM=$ROOT/tests/lib/qrexec.sh QREXEC_DO=
	: >"$QREXEC_LOG"
}

# A device behind which the "qube" is the descriptors QUBE_IN (what it prints) and the file qube.out (what it got).
start_console() {
	local d=$BATS_TEST_TMPDIR i
	mkfifo "$d/qube.in"
	script -qfec "stty raw -echo; tty >$d/path; exec sleep 1000" /dev/null <"$d/qube.in" >"$d/qube.out" 2>&1 3>&- &
	_remember $!
	exec {QUBE_IN}>"$d/qube.in"
	for ((i = 0; i < 1000; i++)); do
		[[ ! -s $d/path ]] || break
		_tick
	done
	start_script <<-END
		> admin.vm.Console+ work
		< 0\0$(<"$d/path")
		> admin.vm.Console+ vault
		< 2\0QubesVMNotRunningError\0\0Domain not running (either powered off or paused): 'vault'\0
		> admin.vm.Console+ file
		< 0\0/etc/passwd
		> admin.vm.Console+ null
		< 0\0/dev/null
	END
}

# What comes out of a file, as soon as it is there.
await_text() {
	local i
	for ((i = 0; i < 1000; i++)); do
		grep -qF -e "$2" "$1" && return
		_tick
	done
	cat "$1"
	return 1
}

@test "dom0: both ways, to the byte, until ^]" {
	start_console
	printf 'login: ' >&"$QUBE_IN"
	run "$TESTBIN/ptytype" 'login: ' qvm-console work <<-'END'
		us\tr\r\x03\x1drest
	END
	assert_equal "$status" 0
	assert_equal "$output" $'Use \'^]\' to exit remote console\nlogin: '
	await_text "$BATS_TEST_TMPDIR/qube.out" us
	assert_equal "$(tr '\r\3\t' 'RCT' <"$BATS_TEST_TMPDIR/qube.out")" usTrRC
}

@test "dom0: refusals" {
	start_console
	local args want
	while IFS='|' read -r args want; do
		run script -qec "qvm-console $args" /dev/null </dev/null
		assert_equal "$args: $status ${lines[-1]%$'\r'}" "$args: 1 $want"
	done <<-'END'
		vault|Error: Domain not running (either powered off or paused): 'vault'
		file|Error: the console of file is no terminal: /etc/passwd
		null|Error: the console of null is no terminal: /dev/null
		'a;b'|Error: 'a;b' is no name of a qube
		@tag:x|Error: '@tag:x' is no name of a qube
	END
	# The console has one client.
	exec {lock}<>"$(<"$BATS_TEST_TMPDIR/path")"
	flock "$lock"
	run script -qec 'qvm-console work' /dev/null </dev/null
	assert_equal "$status ${lines[-1]%$'\r'}" '1 A qube is already connected to work'
}

@test "usage, and no terminal" {
	export QVM_ENDPOINT=unix:/nowhere
	expect 1 'qvm-console' '' \
		$'Usage: qvm-console vmname\nConnects to another VM console using the admin.vm.Console RPC service.\n'
	expect 1 'setsid -w qvm-console work' '' $'Error: a console needs a terminal\n'
}

@test "from a qube: the client on a terminal, its status" {
	export QVM_ENDPOINT=qrexec: QREXEC_DO='printf "login: "; read -rsn 4 x; printf "\nwelcome %s\n> " "$x"; read -rn 1'
	run "$TESTBIN/ptytype" '' qvm-console work <<<'\x1d'
	run "$TESTBIN/ptytype" login: qvm-console work <<<'user'
	assert_equal "$(sort -u "$QREXEC_LOG")" '[work][admin.vm.Console]'
	QREXEC_DO='exit 200' run script -qec 'qvm-console work extra' /dev/null </dev/null
	assert_equal "$status ${lines[-1]%$'\r'}" '1 A qube is already connected to work'
	QREXEC_DO='echo noise >&2; exit 126' run script -qec 'qvm-console work' /dev/null </dev/null
	assert_equal "$status ${lines[-1]%$'\r'}" '1 Cannot connect to work'
	QREXEC_DO='tty <&1 >/dev/null && echo terminal' run script -qec 'qvm-console @dispvm:dvm' /dev/null </dev/null
	assert_equal "$status ${lines[1]%$'\r'}" '0 terminal'
}

@test "the terminal is as it was, also after a signal" {
	start_console
	local state='stty -a | sed "s/.*columns [0-9]*;//"'
	cat >"$BATS_TEST_TMPDIR/do" <<-END
		before=\$($state)
		qvm-console work &
		pid=\$!
		until grep -q 'SigBlk:.*[1-9a-f]' /proc/\$pid/status && [ "\$($state)" != "\$before" ]; do :; done
		kill -TERM \$pid
		wait \$pid
		[ "\$($state)" = "\$before" ] && echo same
	END
	run script -qec "bash $BATS_TEST_TMPDIR/do" /dev/null </dev/null
	assert_equal "${lines[-1]%$'\r'}" same
}
