#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# qvm-open-in-vm and qvm-open-in-dvm (backup-policy-clock 7.4) with a stand-in for the qrexec clients (lib/qrexec.sh).

load lib/common

setup() {
	export QREXEC_LOG=$BATS_TEST_TMPDIR/argv QVM_QREXEC_CLIENT=$ROOT/tests/lib/qrexec.sh
	export QVM_QREXEC_CLIENT_VM=$ROOT/tests/lib/qrexec.sh QVM_ENDPOINT=qrexec: GOT=$BATS_TEST_TMPDIR/got
	export QREXEC_DO='cat >$GOT' TMPDIR=$BATS_TEST_TMPDIR/tmp
	: >"$QREXEC_LOG"
	mkdir "$BATS_TEST_TMPDIR/here" "$TMPDIR"
	cd "$BATS_TEST_TMPDIR/here"
}

# The name in the 256 bytes, and what is behind them.
got() { head -c 256 "$GOT" | tr -d '\0'; echo "|$(tail -c +257 "$GOT")"; }

@test "URLs and files: service, target, what is sent" {
	echo content >file.txt
	cp file.txt view-only-x
	local long args want
	long=$(printf 'n%.0s' {1..240})
	echo content >"$long.text"
	while IFS='|' read -r args want; do
		: >"$QREXEC_LOG"
		expect 0 "$args" '' ''
		assert_equal "$args: $(cat "$QREXEC_LOG") $(got)" "$args: $want"
	done <<-END
		qvm-open-in-vm work file.txt|[work][qubes.OpenInVM] file.txt|content
		qvm-open-in-dvm ./file.txt|[@dispvm][qubes.OpenInVM] file.txt|content
		qvm-open-in-dvm --view-only file.txt|[@dispvm][qubes.OpenInVM] view-only-file.txt|content
		qvm-open-in-dvm -- $PWD/file.txt|[@dispvm][qubes.OpenInVM] file.txt|content
		qvm-open-in-vm work $long.text|[work][qubes.OpenInVM] $long.text|content
		qvm-open-in-vm --view-only work ${long}.text|[work][qubes.OpenInVM] view-only-${long}.text|content
	END
	while IFS='|' read -r args want; do
		: >"$QREXEC_LOG"
		expect 0 "$args" '' ''
		assert_equal "$args: $(cat "$QREXEC_LOG" "$GOT")" "$args: ${want/%/$'\n'${args##* }}"
	done <<-'END'
		qvm-open-in-vm work https://x.y/z?a=b|[work][qubes.OpenURL]
		qvm-open-in-dvm a1+B://|[@dispvm][qubes.OpenURL]
	END
	assert_equal "$(cat file.txt)" content
}

@test "a long name keeps its tail" {
	local name
	name=$(printf '%s' {a..z}{a..z} | head -c 250)
	echo x >"$name"
	expect 0 "qvm-open-in-vm --view-only work $name" '' ''
	assert_equal "$(got)" "view-only-${name: -245}|x"
	assert_equal "$(head -c 256 "$GOT" | tail -c 1 | od -An -tu1)" '   0'
}

@test "what is changed comes back" {
	printf 'old' >file
	chmod 640 file
	ln -s file link
	QREXEC_DO='cat >$GOT; echo new' expect 0 'qvm-open-in-vm work link' '' ''
	assert_equal "$(cat file) $(stat -c %a file) $(readlink link) $(ls | xargs)" 'new 640 file file link'
	# Nothing came: nothing has changed.
	expect 0 'qvm-open-in-vm work file' '' ''
	QREXEC_DO='cat >$GOT; echo newer' expect 0 'qvm-open-in-vm --view-only work file' '' ''
	# What ends badly is not whole.
	QREXEC_DO='cat >$GOT; echo half; exit 3' expect 1 'qvm-open-in-vm work file' '' \
		$'qvm-open-in-vm: error: file could not be opened (exit status 3)\n'
	QREXEC_DO='exit 126' expect 1 'qvm-open-in-dvm file' '' \
		$'qvm-open-in-dvm: error: file could not be opened (exit status 126)\n'
	assert_equal "$(cat file) $(ls | xargs)" 'new file link'
	# More than pipes hold, both ways.
	head -c 3000000 /dev/urandom >file
	QREXEC_DO='tail -c +257; echo more' expect 0 'qvm-open-in-vm work file' '' ''
	assert_equal "$(wc -c <file) $(tail -c 5 file)" '3000005 more'
}

@test "nothing is left behind when it is interrupted" {
	echo old >file
	mkfifo ../gate
	export QREXEC_DO='echo half; echo $$ >../gate; exec sleep 1000'
	local pid signal client
	for signal in INT TERM KILL; do
		bash -c 'exec env --default-signal=INT qvm-open-in-vm work file' 3>&- &
		pid=$!
		read -r client <../gate
		kill -s $signal $pid
		wait $pid || :
		kill "$client" 2>/dev/null || :
		assert_equal "$signal $(cat file) $(ls)" "$signal old file"
	done
}

@test "a directory that cannot be written to" {
	[ "$(id -u)" -ne 0 ] || skip 'root can write everywhere'
	mkdir ro && printf 'old' >ro/file && chmod 555 ro
	QREXEC_DO='cat >$GOT; echo new' run --separate-stderr qvm-open-in-vm work ro/file
	assert_equal "$status $(cat "$TMPDIR"/file_edited_in_dvm.*)" '1 new'
}

@test "what cannot be opened" {
	mkdir dir
	mkfifo fifo
	local args want
	while IFS='|' read -r args want; do
		run --separate-stderr bash -c "qvm-open-in-vm work '$args'"
		assert_equal "$args: $status ${stderr_lines[0]}" "$args: 2 Error! \"$args\" is $want."
		assert_equal "${stderr_lines[1]%%:*}" usage
	done <<-'END'
		dir|a directory
		nosuch|not a valid file or URL
		fifo|not a valid file or URL
		1http://x|not a valid file or URL
		ht-tp://x|not a valid file or URL
		://x|not a valid file or URL
		http:/x|not a valid file or URL
	END
	assert_equal "$(cat "$QREXEC_LOG")" ''
	run --separate-stderr qvm-open-in-dvm a b
	assert_equal "$status ${stderr_lines[-1]}" '2 qvm-open-in-dvm: error: unrecognized arguments: b'
	QVM_ENDPOINT=unix:/nowhere expect 1 'qvm-open-in-dvm dir' '' \
		$'qvm-open-in-dvm: error: there is no disposable of dom0: use qvm-run --dispvm, or qvm-open-in-vm\n'
}

@test "from dom0" {
	start_script <<-'END'
		> admin.vm.Start+ work
		< 0\0
	END
	echo content >f
	expect 0 'qvm-open-in-vm work f' '' ''
	assert_equal "$(cat "$QREXEC_LOG") $(got)" '[-d][work][DEFAULT:QUBESRPC qubes.OpenInVM+ dom0] f|content'
}

# The services of the lab in place of the stand-in's own doing; what opens is a program of ours.
@test "the services: names, changes, view-only, URLs" {
	export HOME=$BATS_TEST_TMPDIR/home
	mkdir "$HOME"
	QREXEC_DO='exec "$ROOT/cmd/agent/qubes-rpc/${service%%+*}"'
	printf '#!/bin/sh\necho "$*" >"$GOT"\n[ ! -f "$1" ] || echo new >>"$1"\n' >"$HOME/.qvm-opener"
	chmod +x "$HOME/.qvm-opener"
	echo old >'a b$é.txt'
	expect 0 "qvm-open-in-vm work 'a b\$é.txt'" '' ''
	assert_equal "$(cat 'a b$é.txt' | xargs) $(sed 's,.*/,,' "$GOT")" 'old new a_b___.txt'
	expect 0 "qvm-open-in-vm --view-only work 'a b\$é.txt'" '' ''
	assert_equal "$(cat 'a b$é.txt' | xargs) $(sed 's,.*/,,' "$GOT")" 'old new view-only-a_b___.txt'
	expect 0 'qvm-open-in-dvm https://x.y/z' '' ''
	assert_equal "$(cat "$GOT")" 'https://x.y/z'
	# One that changes nothing, and names that are none.
	printf '#!/bin/sh\n' >"$HOME/.qvm-opener"
	expect 0 "qvm-open-in-vm work 'a b\$é.txt'" '' ''
	local service=$ROOT/cmd/agent/qubes-rpc/qubes.OpenInVM name
	for name in ../x /etc/x .. . ''; do
		expect 1 "{ printf %s '$name'; head -c $((256 - ${#name})) /dev/zero; echo x; } | $service" '' \
			$'that is no name of a file\n'
	done
	expect 1 "echo 'file x' | ${service%/*}/qubes.OpenURL" '' $'that is no URL\n'
	assert_equal "$(ls "$TMPDIR")" ''
}
