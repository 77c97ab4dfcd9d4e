#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# qvm-events and qvm-wait: what they print, when they end, and that nothing is missed.

load lib/common

setup() { start_daemon; }

# watch OPTIONS...: qvm-events in the background, until it is connected; its output is in $BATS_TEST_TMPDIR/out.
watch() {
	: >"$BATS_TEST_TMPDIR/out"
	qvm-events "$@" >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err" &
	WATCH=$!
	_remember "$WATCH"
	until [[ -s $BATS_TEST_TMPDIR/out ]]; do
		! _gone "$WATCH" || return 1
		_tick
	done
}

# ended STATUS [LINE...]: it ends by itself with this status, having printed these lines behind the first one.
ended() {
	local status=0 want=$1
	shift
	wait "$WATCH" || status=$?
	assert_equal "$status" "$want"
	assert_equal "$(tail -n +2 "$BATS_TEST_TMPDIR/out")" "$(printf '%s\n' "$@")"
}

@test "events of one qube, until one of them" {
	watch --until 'domain-tag-delete:*' work
	qvm-tags vault add elsewhere
	qvm-tags work add mine
	qvm-features work greeting 'hello "world"'
	qvm-features work nothing ''
	qvm-tags work del mine
	ended 0 'work domain-tag-add:mine tag=mine' \
		'work domain-feature-pre-set:greeting feature=greeting value="hello \"world\""' \
		'work domain-feature-set:greeting feature=greeting value="hello \"world\""' \
		'work domain-feature-pre-set:nothing feature=nothing value=""' \
		'work domain-feature-set:nothing feature=nothing value=""' \
		'work domain-tag-delete:mine tag=mine'
	assert_equal "$(head -n 1 "$BATS_TEST_TMPDIR/out")" '- connection-established'
}

@test "events by name and number; a qube that comes and goes is meant by its name" {
	watch --event 'domain-*' --event connection-established --count 3 'new*'
	qvm-create --label red new1
	qvm-tags work add other
	qvm-remove -f new1
	ended 0 '- domain-add vm=new1' 'new1 domain-tag-add:created-by-dom0 tag=created-by-dom0' \
		'new1 domain-create-on-disk'
}

@test "qubes chosen by --where, --exclude and --all" {
	watch --where label=black --count 1
	qvm-tags work add one
	qvm-tags vault add two
	ended 0 'vault domain-tag-add:two tag=two'
	watch --all --exclude work --count 1
	qvm-tags work add three
	qvm-tags vault add four
	ended 0 'vault domain-tag-add:four tag=four'
}

@test "JSON, one document or a line each" {
	watch --jsonl --count 2 work
	qvm-features work odd $'a=1 b'
	ended 0 '{"qube":"work","event":"domain-feature-pre-set:odd","values":{"feature":"odd","value":"a=1 b"}}' \
		'{"qube":"work","event":"domain-feature-set:odd","values":{"feature":"odd","value":"a=1 b"}}'
	assert_equal "$(head -n 1 "$BATS_TEST_TMPDIR/out")" '{"qube":null,"event":"connection-established","values":{}}'
	watch --json --count 1 work
	qvm-tags work add json
	wait "$WATCH"
	assert_equal "$(jq -c 'map([.qube, .event, .values])' "$BATS_TEST_TMPDIR/out")" \
		'[[null,"connection-established",{}],["work","domain-tag-add:json",{"tag":"json"}]]'
}

@test "the time of each event" {
	watch --time --count 1
	qvm-tags work add now
	wait "$WATCH"
	assert [ "$(grep -cE '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\+0000 (-|work) ' "$BATS_TEST_TMPDIR/out")" = 2 ]
}

@test "time is over: nothing was waited for, or it did not come" {
	expect 0 'qvm-events --timeout 0.1' $'- connection-established\n' ''
	expect 1 'qvm-events --timeout 0.1 --count 1' $'- connection-established\n' ''
	expect 1 'qvm-events --timeout 0.1 --until x' $'- connection-established\n' ''
	# Five centuries are not over yet.
	watch --timeout 18446744073 --count 1 work
	qvm-tags work add late
	ended 0 'work domain-tag-add:late tag=late'
}

@test "a reader that goes away ends it, with the next event" {
	qvm-events > >(head -n 1 >"$BATS_TEST_TMPDIR/first") 2>/dev/null 3>&- &
	WATCH=$!
	_remember "$WATCH"
	until [[ -s $BATS_TEST_TMPDIR/first ]]; do _tick; done
	until _gone "$WATCH"; do qvm-tags work add "n$((++n))"; done
	assert_equal "$(cat "$BATS_TEST_TMPDIR/first")" '- connection-established'
}

@test "a daemon that was lost is waited for" {
	watch --event 'domain-tag-add:*' --event connection-established --count 1 work
	stop_daemon
	until grep -q reconnecting "$BATS_TEST_TMPDIR/err"; do _tick; done
	start_daemon
	until (($(wc -l <"$BATS_TEST_TMPDIR/out") == 2)); do _tick; done
	qvm-tags work add again
	ended 0 '- connection-established' 'work domain-tag-add:again tag=again'
	assert_equal "$(cat "$BATS_TEST_TMPDIR/err")" \
		'qubesadmin.events: Connection to qubesd terminated, reconnecting in 1.0 seconds'
}

@test "no daemon at all, wrong words" {
	stop_daemon
	run --separate-stderr qvm-events
	assert_equal "$status [$output]" '1 []'
	assert_equal "${stderr_lines[0]%%:*}" 'qvm-events'
	local words want
	while IFS='|' read -r words want; do
		run --separate-stderr qvm-events $words
		assert_equal "$status ${stderr_lines[-1]}" "2 qvm-events: error: $want"
	done <<-'END'
		--count 0|argument --count/-n: not a number above 0: '0'
		--count x|argument --count/-n: not a number above 0: 'x'
		--timeout x|argument --timeout: not a number of seconds: 'x'
		--all work|argument VMNAME: not allowed with argument --all
		--exclude work w*|--exclude can only be used with --all
	END
	run --separate-stderr qvm-wait --timeout soon work
	assert_equal "$status ${stderr_lines[-1]}" "2 qvm-wait: error: argument --timeout: not a number of seconds: 'soon'"
}

# ---- qvm-wait ----

@test "a state that is there already is not waited for" {
	qvm-start work
	expect 0 'qvm-wait work --timeout 10' '' ''
	expect 0 'qvm-wait --state Halted vault' '' ''
	expect 0 'qvm-wait --json --state Halted vault' $'[\n{"name":"vault","state":"Halted"}\n]\n' ''
}

@test "the time that it takes is no matter when the state is there, and all that may be taken when nobody answers" {
	qvm-start work
	local i
	for ((i = 0; i < 20; i++)); do
		expect 0 'qvm-wait work --timeout 0' '' ''
	done
	expect 1 'qvm-wait work vault --timeout 0' '' $'qvm-wait: error: not Running in time: vault\n'
	kill -STOP "$QVMD_PID"
	run --separate-stderr timeout -s KILL 20 qvm-wait --timeout 1.5 work
	kill -CONT "$QVMD_PID"
	assert_equal "$status [$output]" '1 []'
	assert_regex "$stderr" '^qvm-wait: error: No answer from qubesd within 1\.[0-9]+ seconds$'
}

@test "several qubes on their way" {
	stop_daemon
	start_daemon --start-delay 200 --stop-delay 200
	qvm-wait --timeout 20 work personal --jsonl >"$BATS_TEST_TMPDIR/waited" &
	WATCH=$!
	qvm-start work
	qvm-start personal
	wait "$WATCH"
	assert_equal "$(cat "$BATS_TEST_TMPDIR/waited")" \
		$'{"name":"work","state":"Running"}\n{"name":"personal","state":"Running"}'
	qvm-wait --timeout 20 --state Halted --any work vault personal --jsonl >"$BATS_TEST_TMPDIR/waited"
	assert_equal "$(cat "$BATS_TEST_TMPDIR/waited")" '{"name":"vault","state":"Halted"}'
	qvm-wait --timeout 20 --state Halted work &
	WATCH=$!
	qvm-shutdown work
	wait "$WATCH"
	expect 0 'qvm-check -q --running work || echo halted' $'halted\n' ''
}

@test "every state has its name" {
	qvm-start work
	qvm-pause work
	expect 0 'qvm-wait --timeout 10 --state Paused work' '' ''
	qvm-wait --timeout 20 work &
	WATCH=$!
	qvm-unpause work
	wait "$WATCH"
	qvm-pause --suspend work
	run qvm-wait --timeout 10 --any --state Suspended work
	assert_equal "$status" 0
}

@test "what can never come is told at once" {
	expect 1 'qvm-wait --timeout 0.1 work vault' '' $'qvm-wait: error: not Running in time: work, vault\n'
	expect 2 'qvm-wait nosuch 2>&1 | tail -n 1; exit ${PIPESTATUS[0]}' $'qvm-wait: error: no such domain: \'nosuch\'\n'
	qvm-features work prohibit-start 'not today'
	qvm-wait --timeout 20 work 2>"$BATS_TEST_TMPDIR/err" &
	WATCH=$!
	until qvm-start work 2>/dev/null || _gone "$WATCH"; do _tick; done
	local status=0
	wait "$WATCH" || status=$?
	assert_equal "$status $(cat "$BATS_TEST_TMPDIR/err")" \
		'1 qvm-wait: error: work: Qube start is prohibited. Rationale: not today'
}

# removed CLASS STATE: qvm-wait for STATE, while a qube of the class is removed.
removed() {
	stop_script
	start_script <<-END
		> admin.vm.List dom0
		< 0\0brief class=$1 state=Running\n
		> admin.Events dom0
		< 1\0\0connection-established\0\0
		delay 50
		< stream 1\0\0domain-delete\0vm\0brief\0\0
		> admin.vm.CurrentState brief
		< 0\0mem=1 mem_static_max=1 cputime=1 power_state=Running
	END
	run --separate-stderr qvm-wait --timeout 20 --state "$2" brief
}

@test "a qube that is gone was halted; it will never be anything else" {
	stop_daemon
	removed DispVM Halted
	assert_equal "$status [$output] [$stderr]" '0 [] []'
	assert_equal "$(calls)" $'dom0 admin.vm.List+\ndom0 admin.Events+\nbrief admin.vm.CurrentState+'
	removed DispVM Paused
	assert_equal "$status [$output] [$stderr]" '1 [] [qvm-wait: error: brief: the qube was removed]'
}
