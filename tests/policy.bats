#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Calls of qubes under a policy (backup-policy-clock 6, admin-api 1.11, 2.14, 6.5). The main socket is dom0's, which may
# name any qube as source of a call (raw -s); what the rules say in each case is a matter of tests/unit/test_policy.c.

load lib/common
load lib/rows

# start_policy FILE=LINES...: the daemon with these files, lines ended by ';'.
start_policy() {
	POLICY=$BATS_TEST_TMPDIR/policy.d
	mkdir -p "$POLICY/include"
	policy "$@"
	start_daemon default --policy-dir "$POLICY" --log "$BATS_TEST_TMPDIR/log" "${OPTIONS[@]}"
}
# Files that take the place of what was there; a new file each time, as an editor makes it.
policy() {
	local f
	for f; do
		printf '%s\n' "${f#*=}" | tr ';' '\n' >"$POLICY/${f%%=*}~"
		mv "$POLICY/${f%%=*}~" "$POLICY/${f%%=*}"
	done
}
setup() { OPTIONS=(); }

@test "dom0 may do all; nobody else may do anything; a refusal is an empty reply" {
	start_policy 10.policy=''
	rows <<-'END'
		> admin.vm.tag.Set+t work
		< 0\0
		> @work admin.vm.tag.List+ work
		< 
		> @work admin.vm.List+ dom0
		< 
		> @work admin.nosuch+ dom0
		< 
		> @gone admin.vm.List+ dom0
		< 
		> @work admin.vm.tag.List+ gone
		< 
	END
	grep -q 'policy: work may not call admin.vm.List+ of dom0: no matching rule found$' "$BATS_TEST_TMPDIR/log"
	grep -q "policy: gone may not call admin.vm.List+ of dom0: there is no qube 'gone'$" "$BATS_TEST_TMPDIR/log"
}

@test "without a policy the source is believed, as it was" {
	start_daemon default
	rows <<-'END'
		> @work admin.vm.tag.Set+t work
		< 0\0
	END
}

@test "an admin qube lists and changes only what policy lets it" {
	start_policy 'include/mgmt=admin.vm.List * vault @tag:created-by-vault allow target=@adminvm
admin.vm.tag.Set +t vault @tag:created-by-vault allow target=dom0
admin.vm.tag.Set * vault @tag:created-by-vault deny
admin.vm.tag.Remove * vault @tag:created-by-vault allow target=dom0
admin.vm.Create.AppVM * vault @adminvm allow target=dom0
admin.vm.property.Get +netvm vault work allow target=@adminvm
admin.vm.property.Get +label vault * allow
admin.vm.Remove * vault @tag:created-by-vault allow target=@adminvm' '30-mgmt.policy=!include include/mgmt
* * work @adminvm allow target=dom0
lab.device.block.Plug * work work allow target=dom0
admin.vm.List * vault @tag:own allow
admin.vm.List * vault @adminvm allow target=dom0'
	rows <<-'END'
		> @vault admin.vm.Create.AppVM+debian-13-xfce dom0 name=made label=red
		< 0\0
		> admin.vm.tag.List+ made
		< 0\0audiovm-dom0\ncreated-by-vault\nguivm-dom0\n
		> @vault admin.vm.property.Get+netvm work
		< 0\0default=True type=vm sys-firewall
		> @vault admin.vm.property.Get+netvm made
		< 
		> @vault admin.vm.property.Get+label work
		< 
		> @vault admin.vm.tag.Set+t made
		< 0\0
		> @vault admin.vm.tag.Set+u made
		< 
		> @vault admin.vm.tag.Set+t work
		< 
		> @vault admin.vm.tag.Set+t gone
		< 
		> @vault admin.vm.tag.Remove+created-by-vault made
		< 2\0PermissionDenied\0\0changing this tag is prohibited by qubes.ext.admin.AdminExtension\0
		> @work admin.vm.List+ work
		< 
		> @work internal.GetSystemInfo+ dom0
		< 2\0ProtocolError\0\0no such method: 'internal.GetSystemInfo'\0
		> @work lab.device.block.Plug+sda work
		< 2\0ProtocolError\0\0no such method: 'lab.device.block.Plug'\0
		> @work admin.vm.Suspend+ dom0
		< 2\0ProtocolError\0\0no such method: 'admin.vm.Suspend'\0
		> @work admin.property.Get+nosuch dom0
		< 2\0QubesNoSuchPropertyError\0\0Invalid property 'nosuch' of Qubes\0
		> @vault admin.vm.Remove+ work
		< 
	END
	# A rule that leads elsewhere than to dom0 (that of @tag:own) makes nothing visible.
	raw 'admin.vm.tag.Set+own' work
	run raw -s vault admin.vm.List+ dom0
	assert_equal "$(printf "%b" "${output#0\\0}" | cut -d ' ' -f 1)" $'dom0\nmade'
	rows <<-'END'
		> @vault admin.vm.Remove+ made
		< 0\0
	END
}

# in_qube NAME: from now on tools run as in that qube: what they ask of qrexec-client-vm is asked by it.
in_qube() {
	export QVM_QREXEC_CLIENT_VM=$BATS_TEST_TMPDIR/client
	cat >"$QVM_QREXEC_CLIENT_VM" <<-END
		#!/bin/bash
		reply=\$("$TESTBIN/rawcall" -s $1 "$QVM_TEST_SOCKET" "\$2" "\$1" "\$(cat)")
		[[ \$reply ]] || { echo 'Request refused' >&2; exit 126; }
		printf %b "\${reply//\\\\0/\\\\0000}"
	END
	chmod +x "$QVM_QREXEC_CLIENT_VM"
	export QVM_ENDPOINT=qrexec:
}

@test "tools in an admin qube see and change what policy lets them" {
	local refused='Service call error: Request refused'
	start_policy 'include/mgmt=admin.vm.List * vault @tag:created-by-vault allow target=dom0
admin.vm.List * vault @adminvm allow target=dom0
admin.vm.CurrentState * vault @tag:created-by-vault allow target=dom0
admin.vm.property.Get * vault @tag:created-by-vault allow target=dom0
admin.vm.tag.List * vault @tag:created-by-vault allow target=dom0
admin.vm.tag.Set +mine vault @tag:created-by-vault allow target=dom0
admin.vm.Create.AppVM * vault @adminvm allow target=dom0
admin.vm.Remove * vault @tag:created-by-vault allow target=dom0' '30.policy=!include include/mgmt'
	raw -s vault admin.vm.Create.AppVM+debian-13-xfce dom0 'name=made label=red'
	in_qube vault
	expect 0 'qvm-ls --raw-list' $'dom0\nmade\n' ''
	expect 0 'qvm-prefs made label' $'red\n' ''
	expect 1 'qvm-prefs made netvm none' '' $'qvm-prefs: error: Failed to access \'netvm\' property\n'
	expect 0 'qvm-tags made add mine' '' ''
	expect 1 'qvm-tags made add yours' '' "qvm-tags: error: $refused"$'\n'
	expect 2 'qvm-tags work add mine 2>&1 | tail -n 1; exit ${PIPESTATUS[0]}' $'qvm-tags: error: no such domain: \'work\'\n'
	expect 0 'qvm-tags made' $'audiovm-dom0\ncreated-by-vault\nguivm-dom0\nmine\n' ''
	expect 2 'qvm-remove -f work 2>&1 | tail -n 1; exit ${PIPESTATUS[0]}' $'qvm-remove: error: no such domain: \'work\'\n'
	QVM_ENDPOINT=unix:$QVM_TEST_SOCKET expect 0 'qvm-check -q work && qvm-tags work && qvm-prefs made netvm' \
		$'audiovm-dom0\ncreated-by-dom0\nguivm-dom0\nsys-firewall\n' ''
}

@test "an admin qube hears only of what policy lets it" {
	local log=$BATS_TEST_TMPDIR/heard
	start_policy '10.policy=admin.Events + vault @adminvm allow target=dom0
admin.Events +domain-tag-add_t vault work allow target=dom0
admin.Events +domain-tag-add_end vault @anyvm allow target=dom0
admin.Events * vault @tag:own allow target=dom0'
	"$TESTBIN/rawcall" -s vault -e 6 "$QVM_TEST_SOCKET" admin.Events dom0 </dev/null >"$log" 3>&- &
	local pid=$!
	_remember $pid
	while ! [[ -s $log ]]; do _tick; done
	rows <<-'END'
		> admin.vm.tag.Set+t work
		> admin.vm.tag.Set+u work
		> admin.vm.tag.Set+t personal
		> admin.vm.tag.Set+own untrusted
		> admin.vm.feature.Set+f untrusted 1
		> admin.vm.tag.Set+end personal
	END
	wait $pid
	assert_equal "$(<"$log")" '. connection-established
work domain-tag-add:t tag=t
untrusted domain-tag-add:own tag=own
untrusted domain-feature-pre-set:f feature=f value=1
untrusted domain-feature-set:f feature=f value=1
personal domain-tag-add:end tag=end'
	run -0 raw -s vault admin.Events+ work
	assert_output ''
}

@test "changed files are read again; a broken policy allows nothing and is told" {
	local list='> @work admin.label.Get+red dom0' yes=$'\n< 0\\00xcc0000' no=$'\n< '
	start_policy '10.policy=admin.label.Get * work dom0 allow'
	rows <<<"$list$yes"
	policy '10.policy=admin.label.Get * work dom0 deny!'
	rows <<<"$list$no"
	grep -q "there is no policy: $POLICY/10.policy:1: invalid action: deny!$" "$BATS_TEST_TMPDIR/log"
	policy '10.policy=!include include/x'
	rows <<<"$list$no"
	policy 'include/x=admin.label.Get * work dom0 allow'
	rows <<<"$list$yes"
	policy '05.policy=* * work * deny'
	rows <<<"$list$no"
	rm "$POLICY/05.policy"
	rows <<<"$list$yes"
	rm -r "$POLICY"
	rows <<<"$list$no"
}

@test "at the start a broken policy is an error" {
	POLICY=$BATS_TEST_TMPDIR/policy.d
	mkdir "$POLICY"
	policy '10.policy=;* * * work allow x'
	expect 1 "qvmd --foreground --state $BATS_TEST_TMPDIR/s --policy-dir $POLICY" '' \
		"qvmd: error: $POLICY/10.policy:2: invalid action parameter syntax: 'x'"$'\n'
	touch "$POLICY/Big.policy"
	expect 1 "qvmd --state $BATS_TEST_TMPDIR/s --policy-dir $POLICY" '' \
		"qvmd: error: invalid filename: $POLICY/Big.policy"$'\n'
	expect 1 "qvm-lab --policy-dir $POLICY true" '' "qvmd: error: invalid filename: $POLICY/Big.policy
qvm-lab: error: cannot start $BIN/qvmd: it has ended"$'\n'
}

# ---- ask and notify ----

# agent SHELL: the program that is asked: what it is told goes to $LOG; SHELL answers.
agent() {
	AGENT=$BATS_TEST_TMPDIR/agent LOG=$BATS_TEST_TMPDIR/asked
	: >"$LOG"
	printf '#!/bin/bash\ntext="$1 $(cat)"\n%s\necho "$text" >>%q\n' "$1" "$LOG" >"$AGENT"
	chmod +x "$AGENT"
	OPTIONS=(--policy-agent "$AGENT")
}
# What it was told, when N lines have come.
asked() {
	while (($(wc -l <"$LOG") < $1)); do _tick; done
	cat "$LOG"
	: >"$LOG"
}

@test "ask: the agent decides; without one it is no" {
	local call='> @work admin.label.Get+red dom0' policy='10.policy=admin.label.Get * work dom0 ask'
	start_policy "$policy"
	rows <<<"$call"$'\n< '
	grep -q 'policy: work may not call admin.label.Get+red of dom0: there is nobody to ask$' "$BATS_TEST_TMPDIR/log"
	stop_daemon
	local answer reply
	agent :
	start_policy "$policy"
	while IFS='|' read -r answer reply; do
		agent "[[ \$1 != policy.Ask ]] || $answer"
		rows <<<"$call"$'\n< '"$reply" || { echo "after $answer" >&2 && return 1; }
	done <<-'END'
		echo allow:dom0|0\00xcc0000
		printf allow:dom0|0\00xcc0000
		echo deny|
		echo|
		:|
		echo allow:|
		echo allow:work|
		echo 'allow:dom0 '|
		printf 'allow:dom0\nmore\n'|
		printf 'allow:dom0\0'|
		{ echo allow:dom0; exit 1; }|
		{ echo allow:dom0; kill -9 $$; }|
		{ printf 'allow:dom0\n'; head -c 5000 /dev/zero; }|
		exec yes|
	END
	rm "$AGENT"
	rows <<<"$call"$'\n< '
}

@test "ask and notify: what the agent is told" {
	agent '[[ $1 != policy.Ask ]] || echo allow:dom0'
	start_policy '20.policy=admin.label.Get +red work dom0 ask default_target=dom0 notify=yes
admin.label.Get +blue work dom0 allow notify=yes;admin.label.Get +gray work dom0 allow
admin.label.Get +black work dom0 deny notify=no;admin.label.Get +green * * deny'
	rows <<<$'> @work admin.label.Get+red dom0\n< 0\\00xcc0000'
	assert_equal "$(asked 2)" 'policy.Ask {"source":"work","service":"admin.label.Get","argument":"+red","targets":["dom0"],"default_target":"dom0","icons":{"dom0":"appvm-black","work":"appvm-blue"}}
policy.Notify {"source":"work","service":"admin.label.Get","argument":"+red","resolution":"allow","target":"dom0"}'
	rows <<-'END'
		> @work admin.label.Get+blue dom0
		> @work admin.label.Get+gray dom0
		> @work admin.label.Get+black dom0
		< 
	END
	assert_equal "$(asked 1)" \
		'policy.Notify {"source":"work","service":"admin.label.Get","argument":"+blue","resolution":"allow","target":"dom0"}'
	rows <<<$'> @work admin.label.Get+green dom0\n< '
	assert_equal "$(asked 1)" \
		'policy.Notify {"source":"work","service":"admin.label.Get","argument":"+green","resolution":"deny","target":"dom0"}'
	# No rule at all counts as one that denies.
	rows <<<$'> @work admin.label.List+ gone\n< '
	assert_equal "$(asked 1)" \
		'policy.Notify {"source":"work","service":"admin.label.List","argument":"+","resolution":"deny","target":"@default"}'
}

@test "a question that waits: others are served, the same qube may not ask twice, and the policy of the answer counts" {
	mkfifo "$BATS_TEST_TMPDIR/go"
	agent "if [[ \$1 == policy.Ask ]]; then echo \"\$text\" >>$BATS_TEST_TMPDIR/asked; read -r a <$BATS_TEST_TMPDIR/go; echo \"\$a\"; fi"
	start_policy '10.policy=admin.vm.tag.Set * * @anyvm ask target=dom0 notify=no;admin.label.Get * * * ask'
	raw -s work admin.vm.tag.Set+t vault >"$BATS_TEST_TMPDIR/first" </dev/null 3>&- &
	local first=$!
	while ! [[ -s $LOG ]]; do _tick; done
	rows <<-'END'
		> admin.vm.tag.Get+t vault
		< 0\00
		> @work admin.label.Get+red dom0
		< 
	END
	grep -q 'a question of this qube waits for its answer$' "$BATS_TEST_TMPDIR/log"
	echo allow:dom0 >"$BATS_TEST_TMPDIR/go"
	wait $first
	assert_equal "$(<"$BATS_TEST_TMPDIR/first")" '0\0'
	: >"$LOG"
	raw -s work admin.vm.tag.Set+u vault >"$BATS_TEST_TMPDIR/second" </dev/null 3>&- &
	local second=$!
	while ! [[ -s $LOG ]]; do _tick; done
	policy '05.policy=* * * * deny notify=no'
	echo allow:dom0 >"$BATS_TEST_TMPDIR/go"
	wait $second
	assert_equal "$(<"$BATS_TEST_TMPDIR/second")" ''
	rows <<-'END'
		> admin.vm.tag.List+ vault
		< 0\0audiovm-dom0\ncreated-by-dom0\nguivm-dom0\nt\n
	END
	# The daemon ends although a question waits.
	rm "$POLICY/05.policy"
	: >"$LOG"
	raw -s work admin.vm.tag.Set+u vault >"$BATS_TEST_TMPDIR/third" </dev/null 3>&- &
	local third=$!
	while ! [[ -s $LOG ]]; do _tick; done
	stop_daemon
	wait $third
	assert_equal "$(<"$BATS_TEST_TMPDIR/third")" ''
}
