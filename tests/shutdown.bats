#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# qvm-shutdown: the rounds of tools-runtime 3, its examples and quirks, and daemons that do not know `wait`.

load lib/common

USED=2\\0QubesVMInUseError\\0\\0Domain\ is\ in\ use:\ sys-net\\0
TIMED=2\\0QubesVMShutdownTimeoutError\\0\\0Domain\ shutdown\ timed\ out:\ \'work\'\\0
DOWN=2\\0QubesVMNotStartedError\\0\\0Domain\ is\ powered\ off\\0
OTHER=2\\0QubesException\\0\\0refused\ 3\ times\\0

# answers "METHOD+ARG DEST" REPLY...: rules of the script, answered in turn.
answers() {
	local request=$1 reply
	shift
	for reply; do printf '> %s\n< %s\n' "$request" "$reply"; done
}
# start_world RULES: world A of tools-runtime 14 and these rules.
start_world() {
	start_script < <(
		answers 'admin.vm.List+ dom0' '0\0d1 class=DispVM state=Running\ndom0 class=AdminVM state=Running\nsys-net class=AppVM state=Running\nsys-usb class=AppVM state=Running\nvault class=AppVM state=Halted\nwork class=AppVM state=Running\n'
		printf '%s\n' "$1"
	)
}
# What was asked for, in order, without the list.
asked() { calls | tr -d '\0' | grep -v ' admin.vm.List+' || :; }
S=admin.vm.Shutdown

@test "usage errors" {
	start_world ''
	local words want
	while IFS='|' read -r words want; do
		run --separate-stderr qvm-shutdown $words
		assert_equal "$status ${stderr_lines[-1]}" "2 qvm-shutdown: error: $want"
	done <<-'END'
		|one of the arguments --all VMNAME is required
		--dry-run nosuch|no such domain: 'nosuch'
		--all work|argument VMNAME: not allowed with argument --all
		--exclude vault work|--exclude can only be used with --all
		--timeout|argument --timeout: expected one argument
	END
	expect 0 "qvm-shutdown 'zz*'" '' ''
	assert_equal "$(asked)" ''
}

@test "arguments of the call" {
	local words arg
	while IFS='|' read -r words arg; do
		start_world "$(answers "$S+$arg work" '0\0')"
		expect 0 "qvm-shutdown $words" '' ''
		assert_equal "$words: $(asked)" "$words: work $S+$arg"
		stop_script
	done <<-'END'
		work|
		--force work|force
		--wait work|wait
		--wait --force work|force+wait
		--timeout= work|
		--timeout '' work --force|force
		--where name=work|
		--where state=Running --where name=work --all|
	END
}

@test "--all forces, --all --exclude does not" {
	start_world "$(for q in d1 sys-net sys-usb vault work; do answers "$S+force $q" '0\0'; answers "$S+ $q" '0\0'; done)"
	expect 0 'qvm-shutdown --all' '' ''
	assert_equal "$(asked | sort)" "$(printf '%s '$S'+force\n' d1 sys-net sys-usb vault work)"
	calls_clear
	expect 0 'qvm-shutdown --all --exclude sys-usb' '' ''
	assert_equal "$(asked | sort)" "$(printf '%s '$S'+\n' d1 sys-net vault work)"
}

@test "--dry-run" {
	start_world ''
	expect 0 'qvm-shutdown --dry-run --all' '' ''
	expect 0 'qvm-shutdown --wait --dry-run work' '' ''
	assert_equal "$(asked)" ''
}

@test "--timeout means --wait, with a warning" {
	start_world "$(answers "$S+wait work" '0\0')"
	local t
	for t in 60 abc 0; do
		expect 0 "qvm-shutdown --timeout $t work" '' $'Call to deprecated --timeout option, use --wait instead\n'
	done
	assert_equal "$(asked | uniq)" "work $S+wait"
}

@test "example: in use, timed out, not started" {
	start_world "$(
		answers "$S+wait sys-net" "$USED" '0\0'
		answers "$S+wait work" "$TIMED" "$TIMED"
		answers "$S+wait vault" "$DOWN"
		answers 'admin.vm.Kill+ work' '0\0'
	)"
	expect 0 'qvm-shutdown --wait sys-net work vault' '' "\
Error: Retrying shutdown of qubes that were in use for 1 time(s)
Error: Retrying shutdown of qubes that were in use: sys-net
Error: Retrying shutdown of qubes that timed out: work
Error: Killing timed out qubes: work
"
	assert_equal "$(asked | head -3 | sort)" "sys-net $S+wait
vault $S+wait
work $S+wait"
	assert_equal "$(asked | tail -n +4)" "sys-net $S+wait
work $S+wait
work admin.vm.Kill+"
}

@test "example: one stays in use" {
	start_world "$(answers "$S+ sys-net" "$USED" '0\0'; answers "$S+ work" "$USED")"
	expect 1 'qvm-shutdown sys-net work' '' "\
Error: Retrying shutdown of qubes that were in use for 2 time(s)
Error: Retrying shutdown of qubes that were in use: sys-net, work
Error: Retrying shutdown of qubes that were in use: work
Error: Failed to shut down: work: Domain is in use: sys-net
"
	assert_equal "$(asked | wc -l)" 5
}

@test "example: a plain failure" {
	start_world "$(answers "$S+ sys-usb" "$OTHER"; answers "$S+ vault" "$DOWN")"
	expect 1 'qvm-shutdown sys-usb vault' '' $'Error: Failed to shut down: sys-usb: refused 3 times\n'
}

@test "no empty retry, and -q silences the progress" {
	start_world "$(answers "$S+ sys-net" "$USED" '0\0' "$USED" '0\0'; answers "$S+ work" "$USED" '0\0' "$USED" '0\0')"
	expect 0 'qvm-shutdown sys-net work' '' "\
Error: Retrying shutdown of qubes that were in use for 2 time(s)
Error: Retrying shutdown of qubes that were in use: sys-net, work
"
	expect 0 'qvm-shutdown -q sys-net work' '' ''
}

@test "a failure of a middle round is not forgotten; the order is other, used, timed" {
	start_world "$(
		answers "$S+wait sys-net" "$USED" "$OTHER"
		answers "$S+wait sys-usb" "$USED" "$USED"
		answers "$S+wait work" "$TIMED" "$TIMED"
		answers "$S+wait d1" "$OTHER"
		answers 'admin.vm.Kill+ work' '2\0QubesException\0\0unkillable\0'
	)"
	expect 4 'qvm-shutdown -q --wait work sys-net sys-usb d1' '' "\
Error: Failed to shut down: d1: refused 3 times
Error: Failed to shut down: sys-net: refused 3 times
Error: Failed to shut down: sys-usb: Domain is in use: sys-net
Error: Failed to shut down: work: unkillable
"
}

@test "a qube that timed out and then stopped does not hide others' failures" {
	start_world "$(answers "$S+wait sys-usb" "$OTHER"; answers "$S+wait work" "$TIMED" '0\0')"
	expect 1 'qvm-shutdown --wait sys-usb work' '' "\
Error: Retrying shutdown of qubes that timed out: work
Error: Failed to shut down: sys-usb: refused 3 times
"
}

@test "a killed qube that was down already is fine" {
	start_world "$(answers "$S+wait work" "$TIMED"; answers 'admin.vm.Kill+ work' "$DOWN")"
	expect 0 'qvm-shutdown -q --wait work' '' ''
}

@test "without --wait a timeout is a failure, and nothing is killed" {
	start_world "$(answers "$S+ work" "$TIMED")"
	expect 1 'qvm-shutdown work' '' $'Error: Failed to shut down: work: Domain shutdown timed out: \'work\'\n'
	assert_equal "$(asked)" "work $S+"
}

@test "more than 255 failures" {
	local i list=
	for ((i = 0; i < 256; i++)); do list+="q$i class=AppVM state=Running\\n"; done
	start_script < <(printf '> admin.vm.List+ dom0\n< 0\\0%s\n' "$list")
	run --separate-stderr qvm-shutdown --all
	assert_equal "$status" 255
}

# Replies of a daemon from before `wait`.
E1='1\0\0connection-established\0\0'

@test "old daemon: asks without wait, follows events, retries those refused" {
	start_world "$(
		answers "$S+wait work" close
		answers "$S+wait sys-net" "2\\0ProtocolError\\0\\0unexpected argument\\0"
		answers "$S+wait vault" close
		answers "$S+ work" '0\0'
		answers "$S+ sys-net" "$OTHER" '0\0'
		answers "$S+ vault" "$DOWN"
		answers 'admin.vm.CurrentState+ work' '0\0power_state=Running'
		answers 'admin.vm.CurrentState+ sys-net' '0\0power_state=Halted'
		answers 'admin.Events+ dom0' "stream $E1"'1\0work\0domain-stopped\0\01\0work\0domain-shutdown\0\0' "stream $E1"
	)"
	expect 0 'qvm-shutdown --wait work sys-net vault' '' ''
	assert_equal "$(asked | grep -v wait)" "$(cat <<-END
		work $S+
		sys-net $S+
		vault $S+
		dom0 admin.Events+
		work admin.vm.CurrentState+
		sys-net $S+
		dom0 admin.Events+
		sys-net admin.vm.CurrentState+
	END
	)"
}

@test "old daemon: kills what stays, names what is left" {
	start_world "$(
		answers "$S+force+wait work" close
		answers "$S+force+wait d1" close
		answers "$S+force+wait sys-usb" close
		answers "$S+force work" '0\0'
		answers "$S+force d1" '0\0'
		answers "$S+force sys-usb" "$OTHER"
		answers 'admin.vm.CurrentState+ work' '0\0power_state=Running'
		answers 'admin.vm.CurrentState+ d1' '0\0power_state=Running' close
		answers 'admin.Events+ dom0' "stream $E1"
		answers 'admin.vm.Kill+ work' '2\0QubesException\0\0no\0'
	)"
	expect 2 'qvm-shutdown --timeout 1 --force work d1 sys-usb' '' "\
Call to deprecated --timeout option, use --wait instead
qvm-shutdown: error: Failed to shut down: work, sys-usb
"
	assert_equal "$(asked | grep -c Kill)" 1
}

@test "against the daemon" {
	start_daemon default
	expect 0 'qvm-start --skip-if-running sys-net' '' ''
	expect 0 'qvm-shutdown --wait --all' '' ''
	expect 1 'qvm-check -q --running sys-net' '' ''
	expect 0 'qvm-shutdown vault' '' ''
}
