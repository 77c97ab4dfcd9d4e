#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# qvm-sync-clock (backup-policy-clock 5): flows, refusals, what is called. No clock is set here but by --set-with.

load lib/common

# A client of qrexec that logs "PROGRAM [ARGUMENT]... < STDIN" and answers with the shell that is behind the service's name
# in $ANSWERS; what is not there succeeds in silence. And a program that is told the time.
setup() {
	export LOG=$BATS_TEST_TMPDIR/log ANSWERS=$BATS_TEST_TMPDIR/answers SET=$BATS_TEST_TMPDIR/set TIMES=$BATS_TEST_TMPDIR/times
	export QVM_QREXEC_CLIENT=$BATS_TEST_TMPDIR/qrexec-client QVM_QREXEC_CLIENT_VM=$BATS_TEST_TMPDIR/qrexec-client-vm
	cat >"$QVM_QREXEC_CLIENT" <<-'END'
		#!/bin/bash
		IFS= read -rd '' -t 5 input
		input=${input%$'\n'} now='^[0-9]{4}-[0-9-]{5}T[0-9:]{8}'
		[[ ! $input =~ $now ]] || input=NOW${input#"${BASH_REMATCH[0]}"}
		printf -v words ' [%s]' "$@"
		echo "${0##*/}$words${input:+ < $input}" >>"$LOG"
		all="$*" service=${all#*QUBESRPC } service=${service% dom0}
		[[ $all == *QUBESRPC* ]] || service=$2
		service=${service%+}
		while IFS= read -r line; do
			[[ $line != "$service: "* ]] || answer=${line#*: }
		done <"$ANSWERS"
		eval "$answer"
	END
	printf '#!/bin/bash\necho "$@" >>"$TIMES"\nexit ${SET_STATUS:-0}\n' >"$SET"
	chmod +x "$QVM_QREXEC_CLIENT" "$SET"
	ln -s qrexec-client "$QVM_QREXEC_CLIENT_VM"
	: >"$LOG" && : >"$TIMES"
	cd "$BATS_TEST_TMPDIR"
}
# world [CHANGES]: a system whose clock qube is sys-net.
world() {
	cat >"$BATS_TEST_TMPDIR/world" <<-'END'
		> admin.property.Get+clockvm dom0
		< 0\0default=False type=vm sys-net
		> admin.vm.CurrentState+ sys-net
		< 0\0mem=1 power_state=Running
		> admin.vm.List+ dom0
		< 0\0a class=AppVM state=Running\nb class=AppVM state=Halted\nc class=AppVM state=Paused\nd class=StandaloneVM state=Running\ndom0 class=AdminVM state=Running\nsys-net class=AppVM state=Running\n
		> admin.vm.feature.CheckWithTemplate+vmexec sys-net
		< 2\0QubesFeatureNotFoundError\0\0no\0
		> admin.vm.feature.CheckWithTemplate+vmexec sys-firewall
		< 0\01
		> admin.vm.property.Get+netvm sys-net
		< 0\0default=False type=vm 
	END
	start_changed "$BATS_TEST_TMPDIR/world" <<<"${1-}"
}
answers() { cat >"$ANSWERS"; }
DATE=2035-06-01T12:13:14
NS=$DATE,123456789+00:00
GET='qrexec-client [-d] [sys-net] [DEFAULT:QUBESRPC qubes.GetDate+nanoseconds dom0]'

@test "today's flow: what is called, and what is set" {
	world
	answers <<<"qubes.GetDate+nanoseconds: echo $NS"
	expect 0 'qvm-sync-clock --set-with ./set any thing' '' ''
	assert_equal "$(calls)" $'dom0 admin.property.Get+clockvm\nsys-net admin.vm.CurrentState+'
	assert_equal "$(<"$LOG")" "$GET"
	assert_equal "$(<"$TIMES")" "$NS"
	# An older clock qube has seconds only.
	answers <<<"qubes.GetDate+nanoseconds: echo $DATE+00:00"
	expect 0 'qvm-sync-clock --set-with ./set' '' ''
	assert_equal "$(tail -n 1 "$TIMES")" "$DATE+00:00"
}

@test "few files may be open" {
	world
	answers <<<"qubes.GetDate+nanoseconds: echo $NS"
	expect 0 'ulimit -n 30; timeout -s KILL 20 qvm-sync-clock --set-with ./set' '' ''
	assert_equal "$(<"$TIMES")" "$NS"
}

@test "--json: what went wrong is told as JSON, too" {
	world
	answers <<<"qubes.GetDate+nanoseconds: exit 126"
	expect 1 'qvm-sync-clock --json --dry-run' '' \
		"No date from 'sys-net': request refused by policy, aborting!
{\"error\":\"Error\",\"message\":\"No date from 'sys-net': request refused by policy, aborting!\",\"qube\":null,\"method\":null}
"
}

@test "-v, --dry-run, --json: source, offset and result" {
	world
	answers <<<"qubes.GetDate+nanoseconds: echo $NS"
	run -0 --separate-stderr qvm-sync-clock --dry-run
	[[ $output =~ ^sys-net:\ ${NS/+/.},\ offset\ \+[0-9]+\.[0-9]{9}\ s,\ not\ set$ ]]
	assert_equal "$stderr" ''
	assert_equal "$(<"$TIMES")" ''
	run -0 --separate-stderr qvm-sync-clock -v --set-with ./set
	[[ $output =~ ^sys-net:\ ${NS/+/.},\ offset\ \+[0-9]+\.[0-9]{9}\ s,\ set$ ]]
	run -3 --separate-stderr env SET_STATUS=3 qvm-sync-clock -v --set-with ./set
	[[ $output == *', not set' ]]
	run -0 --separate-stderr qvm-sync-clock --json --set-with ./set
	assert_equal "$(jq -c '[.source, .time, .set, (.offset | test("^[+][0-9]+[.][0-9]{9}$"))]' <<<"$output")" \
		"[\"sys-net\",\"$NS\",true,true]"
	# An offset backwards.
	answers <<<"qubes.GetDate+nanoseconds: echo 2022-07-10T17:08:32+00:00"
	run -0 --separate-stderr qvm-sync-clock --jsonl --dry-run
	assert_equal "$(jq -c '[.set, (.offset | test("^-[0-9]+[.][0-9]{9}$"))]' <<<"$output")" '[false,true]'
}

@test "no clock qube, one that is halted, and those that cannot be asked for" {
	world $'> admin.property.Get+clockvm dom0\n< 0\\0default=False type=vm '
	expect 0 'qvm-sync-clock --set-with ./set' '' ''
	assert_equal "$(calls)" 'dom0 admin.property.Get+clockvm'
	world $'> admin.vm.CurrentState+ sys-net\n< 0\\0power_state=Halted'
	expect 0 'qvm-sync-clock --set-with ./set' '' $'ClockVM sys-net is not running, aborting!\n'
	expect 0 'qvm-sync-clock --jsonl --set-with ./set 2>/dev/null' '{"source":"sys-net","time":null,"offset":null,"set":false}'$'\n'
	expect 0 'qvm-sync-clock --calls --set-with ./set' '' $'ClockVM sys-net is not running, aborting!\nadmin.property.Get dom0 clockvm 0\nadmin.vm.CurrentState sys-net - 0\n'
	world $'> admin.vm.CurrentState+ sys-net\n< close'
	expect 0 'qvm-sync-clock --set-with ./set' '' $'ClockVM sys-net is not running, aborting!\n'
	world $'> admin.property.Get+clockvm dom0\n< 2\\0QubesException\\0\\0no\\0'
	expect 1 'qvm-sync-clock --set-with ./set' '' $'qvm-sync-clock: error: no\n'
	assert_equal "$(<"$LOG")" ''
}

@test "only root sets the clock" {
	((EUID == 0)) || skip 'this is for root, who becomes somebody else'
	chmod 755 "$BATS_TEST_TMPDIR"
	answers </dev/null
	expect 1 "setpriv --reuid 65534 --clear-groups $BIN/qvm-sync-clock" '' \
		$'This program must be run as root to set the date, aborting!\n'
}

# refused ANSWER ERROR: the service does so, the tool says that, and no clock is set.
refused() {
	printf '%s\n' "qubes.GetDate+nanoseconds: $1" >"$ANSWERS"
	expect 1 'qvm-sync-clock --set-with ./set' '' "$2"$'\n' && [[ ! -s $TIMES ]] || echo "after $1" >>"$BATS_TEST_TMPDIR/bad"
}

@test "every bad answer is refused, and nothing is set" {
	local n answer want length='Invalid date length (expected 26 or 36 bytes, got'
	local all=2035-06-01T12:13:14,123456789+00:00+00:00
	world
	# lengths that are wrong (all of them: tests/unit/test_clock.c), and more than the tool wants to see
	for n in 0 1 25 27 35; do
		refused "printf %s '${all:0:n}'" "$length $n), aborting!"
	done
	for answer in "printf '%s\n\n' '$NS'" "yes '$NS'" 'cat /dev/zero'; do
		refused "$answer" "$length 37), aborting!"
	done
	QVM_TIMEOUT=1 refused "echo '$NS'; exec sleep 100" "No date from 'sys-net': no end within 1 seconds, aborting!"
	# so long, and yet no date; * is "Invalid date received"
	while IFS='|' read -r answer want; do
		[[ $want != '*' ]] || want='Invalid date received'
		refused "printf %b '$answer'" "$want, aborting!"
	done <<-'END'
		2035-06-01T12:13:14,12345678\xc3\xa9+00:0\n|Received non-ASCII date
		\xff|Received non-ASCII date
		2035-06-01T12:13:14,123456789+01:00\n|Date not in UTC
		2035-06-01T12:13:14,123456789-00:00\n|Date not in UTC
		2035-06-01T12:13:14+02:00\n|Date not in UTC
		2035-06-01T12:13:14.123456+0000\n\n\n\n\n|Date not in UTC
		2035-06-01T12:13:14+00:00 |Date not in UTC
		2035-06-01T12:13:14+00:00\0|Date not in UTC
		2035-06-01T12:13:14.123456789+00:00\n|*
		2035-06-01 12:13:14,123456789+00:00\n|*
		2035-06-01t12:13:14,123456789+00:00\n|*
		2035/06/01T12:13:14,123456789+00:00\n|*
		2035-06-01T12-13-14,123456789+00:00\n|*
		+035-06-01T12:13:14,123456789+00:00\n|*
		2035-06-01T12:13:14,12345678 +00:00\n|*
		2035-06-01T12:13:14,12345678x+00:00\n|*
		2035-06-01T12:13:14,-23456789+00:00\n|*
		2035-6-001T12:13:14,123456789+00:00\n|*
		2035-00-01T12:13:14,123456789+00:00\n|*
		2035-13-01T12:13:14,123456789+00:00\n|*
		2035-06-00T12:13:14,123456789+00:00\n|*
		2035-06-31T12:13:14,123456789+00:00\n|*
		2035-02-29T12:13:14,123456789+00:00\n|*
		2035-06-01T24:00:00,123456789+00:00\n|*
		2035-06-01T12:60:14,123456789+00:00\n|*
		2035-06-01T12:13:60,123456789+00:00\n|*
		2035-06-01T12:13:1\0,123456789+00:00\n|*
		\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0+00:00\n|*
		2022-07-10T17:08:31,999999999+00:00\n|Received a date older than this program
		2022-07-10T17:08:31+00:00\n|Received a date older than this program
		1970-01-01T00:00:00+00:00\n|Received a date older than this program
		0000-01-01T00:00:00+00:00\n|Received a date older than this program
	END
	# the service fails, whatever it printed
	refused "echo $NS; exit 1" "No date from 'sys-net': qubes.GetDate+nanoseconds ended with status 1, aborting!"
	refused "echo $NS; exit 126" "No date from 'sys-net': request refused by policy, aborting!"
	refused "echo $NS; kill -9 \$\$" "No date from 'sys-net': qubes.GetDate+nanoseconds ended with status 137, aborting!"
	refused "echo why >&2; exit 127" "No date from 'sys-net': why, aborting!"
	refused 'printf "a\\nb" >&2; exit 1' "No date from 'sys-net': a, aborting!"
	QVM_TIMEOUT=1 refused 'yes >&2' "No date from 'sys-net': no end within 1 seconds, aborting!"
	QVM_QREXEC_CLIENT=/nowhere refused : "No date from 'sys-net': No such file or directory, aborting!"
	[[ ! -e $BATS_TEST_TMPDIR/bad ]] || { cat "$BATS_TEST_TMPDIR/bad" >&2 && return 1; }
}

@test "the clock cannot be set: the status of the program" {
	world
	answers <<<"qubes.GetDate+nanoseconds: echo $NS"
	SET_STATUS=7 expect 7 'qvm-sync-clock --push --set-with ./set' '' \
		"Unable to set the date: process ['./set', '$NS'] failed."$'\n'
	expect 127 'qvm-sync-clock --set-with ./none' '' "Unable to set the date: process ['./none', '$NS'] failed."$'\n'
	assert_equal "$(<"$LOG")" "$GET"$'\n'"$GET"
}

@test "--push: all that run but dom0 and the clock qube; one that fails does not stop the others" {
	world
	answers <<<"qubes.GetDate+nanoseconds: echo $NS"
	push() { printf 'qrexec-client [-d] [%s] [root:QUBESRPC qubes.SetDateTime+ dom0] < NOW+00:00\n' "$1"; }
	expect 0 'qvm-sync-clock --push --set-with ./set' '' ''
	assert_equal "$(sort "$LOG")" "$(push a; push d; echo "$GET")"
	: >"$LOG"
	answers <<<"qubes.GetDate+nanoseconds: echo $NS"$'\nqubes.SetDateTime: [[ $2 != a ]] || { echo no clock >&2; exit 1; }'
	expect 1 'qvm-sync-clock --push --set-with ./set' '' $'ERROR syncing time in VM \'a\': no clock\n'
	assert_equal "$(grep -c SetDateTime "$LOG")" 2
	answers <<<"qubes.GetDate+nanoseconds: echo $NS"$'\nqubes.SetDateTime: [[ $2 != d ]] || exec yes'
	expect 1 'qvm-sync-clock --push --set-with ./set' '' $'ERROR syncing time in VM \'d\': it printed more than 4096 bytes\n'
	: >"$LOG"
	run -0 qvm-sync-clock --push --dry-run
	assert_equal "$(<"$LOG")" "$GET"
}

@test "--legacy: the network, the clock qube, dom0, and all qubes" {
	local lock=$BATS_TEST_TMPDIR/lock ntp='qrexec-client [-d] [sys-net] [root:QUBESRPC qubes.SyncNtpClock+ dom0]'
	local date='qrexec-client [-d] [sys-net] [DEFAULT:QUBESRPC qubes.VMShell+ dom0] < date -u -Iseconds; exit'
	run_legacy() { expect "$1" "qvm-sync-clock --legacy --lock-file $lock --set-with ./set $2" "$3" "$4"; }
	world $'> admin.property.Get+clockvm dom0\n< 0\\0default=False type=vm '
	run_legacy 1 '' '' $'There is no selected ClockVM, aborting.\n'
	world $'> admin.vm.CurrentState+ sys-net\n< 0\\0power_state=Halted'
	run_legacy 1 '' '' $'ClockVM not started, exiting!\n'
	world $'> admin.vm.property.Get+netvm sys-net\n< 0\\0default=False type=vm dom0\n> admin.vm.property.Get+netvm dom0\n< 0\\0default=False type=vm '
	run_legacy 1 '' '' $'There seems to be no network connected to ClockVM, aborting.\n'
	world $'> admin.vm.property.Get+netvm sys-net\n< 0\\0default=False type=vm sys-net'
	run_legacy 1 '' '' $'There seems to be no network connected to ClockVM, aborting.\n'
	assert_equal "$(<"$LOG")" ''

	world $'> admin.vm.property.Get+netvm sys-net\n< 0\\0default=False type=vm sys-firewall\n> admin.vm.property.Get+netvm sys-firewall\n< 0\\0default=False type=vm '
	answers <<<'qubes.VMShell: [[ $input != date* ]] || echo " 2035-06-01T12:13:14+0000 "
qubes.VMExec+nm--online+--x: exit 1'
	run -0 --separate-stderr qvm-sync-clock --legacy -v --lock-file "$lock" --set-with ./set
	assert_equal "$(grep -v '^> ' <<<"$stderr")" "\
--> Waiting for network for ClockVM.
--> Syncing dom0 clock.
--> Syncing 'a' clock.
--> Syncing 'd' clock."
	[[ $output == "sys-net: $DATE+00:00, offset +"*' s, set' ]]
	assert_equal "$(head -n 3 "$LOG")" "\
qrexec-client [-d] [sys-firewall] [DEFAULT:QUBESRPC qubes.VMExec+nm--online+--x dom0]
$ntp
$date"
	assert_equal "$(tail -n +4 "$LOG" | sort)" "\
qrexec-client [-d] [a] [root:QUBESRPC qubes.SetDateTime+ dom0] < NOW+00:00
qrexec-client [-d] [d] [root:QUBESRPC qubes.SetDateTime+ dom0] < NOW+00:00"
	assert_equal "$(<"$TIMES")" "$DATE+00:00"
	[[ ! -e $lock ]]

	# The network gives no time.
	: >"$LOG" && : >"$TIMES"
	answers <<<'qubes.SyncNtpClock: exit 1'
	world
	run_legacy 1 '' '' $'Time sync failed! - Exiting\n'
	assert_equal "$(tail -n 1 "$LOG")" "$ntp"
	run_legacy 0 -f '' $'Time sync failed! - Syncing with dom0 anyway as requested\n'
	assert_equal "$(grep -c 'SetDateTime' "$LOG")" 2
	assert_equal "$(grep -c 'date -u' "$LOG")" 0

	# Answers that are none.
	local answer
	for answer in '' 'now' 2035-06-01T12:13:14+01:00 2035-06-01T12:13:14,123456789+00:00 2035-06-31T12:13:14+00:00 \
		"$DATE+00:00 x" "$(printf '%0100d' 0)" "$DATE+00:00$(printf '%075d' 0 | tr 0 ' ')x"; do
		answers <<<"qubes.VMShell: [[ \$input != date* ]] || echo '$answer'"
		run_legacy 1 '' '' $'Invalid date output, aborting!\n'
	done
	answers <<<"qubes.VMShell: [[ \$input != date* ]] || { echo $DATE+00:00; exit 1; }"
	run_legacy 1 '' '' $'Invalid date output, aborting!\n'
	assert_equal "$(<"$TIMES")" ''
}

@test "--legacy: one at a time, and nothing through a link" {
	local lock=$BATS_TEST_TMPDIR/lock
	world
	flock -n "$lock" "$BIN/qvm-sync-clock" --legacy --lock-file "$lock" --set-with ./set 2>"$BATS_TEST_TMPDIR/err" && return 1
	assert_equal "$(<"$BATS_TEST_TMPDIR/err")" 'qvm-sync-clock already running, aborting'
	[[ -e $lock ]]
	ln -sf /tmp/nowhere "$lock"
	expect 1 "qvm-sync-clock --legacy --lock-file $lock --set-with ./set" '' \
		"qvm-sync-clock: error: cannot open '$lock': Too many levels of symbolic links"$'\n'
	assert_equal "$(calls)" ''
}

@test "in a qube: the default target, and no hardware clock; the other flows are for dom0" {
	export QVM_ENDPOINT=qrexec:
	answers <<<"qubes.GetDate+nanoseconds: echo $NS"
	expect 0 'qvm-sync-clock --set-with ./set' '' ''
	assert_equal "$(<"$LOG")" 'qrexec-client-vm [@default] [qubes.GetDate+nanoseconds]'
	assert_equal "$(<"$TIMES")" "$NS"
	for option in --push --legacy; do
		run -2 --separate-stderr qvm-sync-clock $option
		assert_equal "${stderr_lines[-1]}" 'qvm-sync-clock: error: --push and --legacy are for dom0'
	done
	run -2 --separate-stderr qvm-sync-clock --force
	assert_equal "${stderr_lines[-1]}" 'qvm-sync-clock: error: --force is an option of --legacy'
}

@test "against the daemon" {
	start_daemon default
	answers <<<"qubes.GetDate+nanoseconds: echo $NS"
	run -0 qvm-start -q --skip-if-running sys-net
	expect 0 'qvm-sync-clock --set-with ./set' '' ''
	assert_equal "$(<"$TIMES")" "$NS"
}
