#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# qvm-monitor-layout (vm-interface 8.1, 11): what is sent to whom. How layouts are read is tested in tests/unit/test_layout.c.

load lib/common

# A client of qrexec that logs "PROGRAM [ARGUMENT]... < STDIN" and does what $SAY says; and an xrandr.
setup() {
	export LOG=$BATS_TEST_TMPDIR/log SAY=: XRANDR=$BATS_TEST_TMPDIR/xrandr.out PATH=$BATS_TEST_TMPDIR:$PATH
	export QVM_QREXEC_CLIENT=$BATS_TEST_TMPDIR/qrexec-client QVM_QREXEC_CLIENT_VM=$BATS_TEST_TMPDIR/qrexec-client-vm
	printf '#!/bin/bash\n%s\n%s\n' 'printf "%s%s < %s\n" "${0##*/}" "$(printf " [%s]" "$@")" "$(tr "\n" "|")" >>"$LOG"' \
		'eval "$SAY"' >"$QVM_QREXEC_CLIENT"
	printf '#!/bin/bash\n[[ "$*" == -q ]] && cat "$XRANDR"\n' >"$BATS_TEST_TMPDIR/xrandr"
	chmod +x "$QVM_QREXEC_CLIENT" "$BATS_TEST_TMPDIR/xrandr"
	ln -s qrexec-client "$QVM_QREXEC_CLIENT_VM"
	: >"$LOG"
	cat >"$XRANDR" <<-'END'
		Screen 0: minimum 320 x 200, current 3200 x 1080, maximum 16384 x 16384
		eDP-1 connected primary 1920x1080+0+0 (normal left inverted right x axis y axis) 344mm x 194mm
		   1920x1080     60.02*+
		HDMI-1 disconnected (normal left inverted right x axis y axis)
		VGA-1 connected 1280x1024+1920+0 (normal left inverted right x axis y axis) 0mm x 0mm
	END
}
none='2\0QubesFeatureNotFoundError\0\0no\0'
# world [CHANGES]: a and b run, c does not.
world() {
	cat >"$BATS_TEST_TMPDIR/world" <<-END
		> admin.vm.List+ dom0
		< 0\\0a class=AppVM state=Running\\nb class=AppVM state=Running\\nc class=AppVM state=Halted\\ndom0 class=AdminVM state=Running\\n
		> admin.vm.feature.CheckWithTemplate+no-monitor-layout a
		< $none
		> admin.vm.feature.CheckWithTemplate+gui a
		< $none
		> admin.vm.feature.CheckWithTemplate+no-monitor-layout b
		< 0\\0
		> admin.vm.feature.CheckWithTemplate+gui b
		< 0\\01
	END
	start_changed "$BATS_TEST_TMPDIR/world" <<<"${1-}"
}
SENT='1920 1080 0 0 508 285|1280 1024 1920 0|'
to() { printf 'qrexec-client [-d] [%s] [DEFAULT:QUBESRPC qubes.SetMonitorLayout+ dom0] < %s\n' "$1" "${2-$SENT}"; }

@test "what xrandr prints, to one qube and to all" {
	world
	expect 0 'qvm-monitor-layout a' '' ''
	assert_equal "$(<"$LOG")" "$(to a)"
	: >"$LOG"
	expect 0 'qvm-monitor-layout --all' '' ''
	assert_equal "$(sort "$LOG")" "$(to a; to b)"
	: >"$LOG"
	expect 0 'qvm-monitor-layout --where name=[bc]' '' ''
	assert_equal "$(<"$LOG")" "$(to b)"
	calls_clear
	expect 0 'qvm-monitor-layout --calls a' '' $'admin.vm.List dom0 - 0\nadmin.vm.feature.CheckWithTemplate a no-monitor-layout 0\nadmin.vm.feature.CheckWithTemplate a gui 0\n'
}

@test "a file, standard input, lines as they are, and no monitor at all" {
	world
	echo '100 200 3 4 5 6' >"$BATS_TEST_TMPDIR/lines"
	expect 0 "qvm-monitor-layout --from $BATS_TEST_TMPDIR/lines a" '' ''
	expect 0 'echo "X connected 10x20+3+4" | qvm-monitor-layout --from - a' '' ''
	assert_equal "$(<"$LOG")" "$(to a '100 200 3 4 5 6|'; to a '10 20 3 4|')"
	: >"$LOG"
	expect 0 'qvm-monitor-layout --from /dev/null --all' '' ''
	assert_equal "$(<"$LOG")" ''
}

@test "--print and --screen-size ask and tell nobody" {
	export QVM_ENDPOINT=unix:/nowhere
	expect 0 'qvm-monitor-layout --print' $'1920 1080 0 0 508 285\n1280 1024 1920 0\n' ''
	expect 0 'qvm-monitor-layout --print --json | jq -c .' '[{"name":"eDP-1","width":1920,"height":1080,"x":0,"y":0,"width_mm":508,"height_mm":285},{"name":"VGA-1","width":1280,"height":1024,"x":1920,"y":0,"width_mm":null,"height_mm":null}]'$'\n' ''
	expect 0 'qvm-monitor-layout --screen-size' $'3200 1080 24 13501\n' ''
	expect 0 'qvm-monitor-layout --screen-size --jsonl' \
		'{"width":3200,"height":1080,"depth":24,"memory_kib":13501}'$'\n' ''
	assert_equal "$(<"$LOG")" ''
}

@test "qubes that are not told" {
	world $'> admin.vm.feature.CheckWithTemplate+no-monitor-layout a\n< 0\\01\n> admin.vm.feature.CheckWithTemplate+gui b\n< 0\\0'
	expect 0 'qvm-monitor-layout --all' '' ''
	expect 1 'qvm-monitor-layout a' '' $'qvm-monitor-layout: error: a: it has the feature no-monitor-layout\n'
	expect 1 'qvm-monitor-layout b' '' $'qvm-monitor-layout: error: b: it has no feature gui\n'
	expect 1 'qvm-monitor-layout c dom0' '' $'qvm-monitor-layout: error: c: it does not run\nqvm-monitor-layout: error: dom0: it is not told by a service\n'
	run -0 --separate-stderr qvm-monitor-layout -v --all
	assert_equal "$(grep -v '^> ' <<<"$stderr")" 'a: left out: it has the feature no-monitor-layout
b: left out: it has no feature gui
c: left out: it does not run'
	expect 0 'qvm-monitor-layout --all --json | jq -c .' '{"a":{"result":"skipped","reason":"it has the feature no-monitor-layout"},"b":{"result":"skipped","reason":"it has no feature gui"},"c":{"result":"skipped","reason":"it does not run"}}'$'\n' ''
	assert_equal "$(<"$LOG")" ''
	expect 2 'qvm-monitor-layout nosuch 2>&1 | tail -n 1; exit ${PIPESTATUS[0]}' $'qvm-monitor-layout: error: no such domain: \'nosuch\'\n' ''
}

@test "a service that fails, floods or does not end: the others are told" {
	world
	export SAY
	while IFS='|' read -r SAY text; do
		SAY="[[ \$2 != a ]] || { $SAY; }"
		expect 1 'qvm-monitor-layout --all' '' "qvm-monitor-layout: error: a: $text"$'\n'
		expect 1 'qvm-monitor-layout --all --json 2>/dev/null | jq -r .a.result,.b.result; exit ${PIPESTATUS[0]}' $'failed\nset\n'
	done <<-'END'
		exit 3|qubes.SetMonitorLayout ended with status 3
		printf 'no display\nmore\n' >&2; exit 1|no display
		exit 126|request refused by policy
		exec yes|it printed more than 4096 bytes
		kill -9 $$|qubes.SetMonitorLayout ended with status 137
	END
	SAY='exec sleep 100'
	QVM_TIMEOUT=1 expect 1 'qvm-monitor-layout a' '' $'qvm-monitor-layout: error: a: no end within 1 seconds\n'
	SAY=:
	QVM_QREXEC_CLIENT=/nowhere expect 1 'qvm-monitor-layout a' '' $'qvm-monitor-layout: error: a: No such file or directory\n'
}

@test "a layout that is none, and no xrandr" {
	world
	echo 'rm -rf' >"$XRANDR"
	expect 1 'qvm-monitor-layout a' '' $'qvm-monitor-layout: error: line 1 of the layout: not what xrandr prints\n'
	rm "$XRANDR"
	run -1 --separate-stderr qvm-monitor-layout a
	assert_equal "${stderr_lines[-1]}" 'qvm-monitor-layout: error: xrandr failed with status 1'
	expect 1 'qvm-monitor-layout --from /nowhere a' '' $'qvm-monitor-layout: error: cannot read \'/nowhere\': No such file or directory\n'
	expect 1 'head -c 70000 /dev/zero | qvm-monitor-layout --from - a' '' $'qvm-monitor-layout: error: cannot read \'-\': File too large\n'
	PATH=$BIN:/usr/bin:/bin
	rm "$BATS_TEST_TMPDIR/xrandr"
	[[ -x /usr/bin/xrandr ]] || expect 1 'qvm-monitor-layout a' '' $'qvm-monitor-layout: error: cannot run xrandr: No such file or directory\n'
	assert_equal "$(calls)" ''
	assert_equal "$(<"$LOG")" ''
}

@test "from an admin qube" {
	cat >"$QVM_QREXEC_CLIENT_VM.new" <<-'END'
		#!/bin/bash
		printf '%s < %s\n' "$*" "$(tr '\n' '|')" >>"$LOG"
		case $2 in
		admin.vm.List) printf '0\0work class=AppVM state=Running\n' ;;
		*+gui) printf '0\0001' ;;
		admin.*) printf '0\0' ;;
		esac
	END
	mv "$QVM_QREXEC_CLIENT_VM.new" "$QVM_QREXEC_CLIENT_VM"
	chmod +x "$QVM_QREXEC_CLIENT_VM"
	QVM_ENDPOINT=qrexec: expect 0 'qvm-monitor-layout work' '' ''
	assert_equal "$(tail -n 1 "$LOG")" "work qubes.SetMonitorLayout < $SENT"
}
