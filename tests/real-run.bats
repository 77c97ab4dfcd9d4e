#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# qvm-run, qvm-copy-to-vm, qvm-copy and qvm-open-in-vm with qubes that are real.
load lib/common
load lib/sandbox

setup_file() { start_under_policy; }
teardown_file() { stop_all; }

setup() { cd "$BATS_TEST_TMPDIR"; }

@test "qvm-run: output, streams, users, statuses, signals" {
	expect 0 "qvm-run -p work 'hostname; id -un; ls /rw' </dev/null" $'work\nuser\nhome\nlost+found\n' ''
	expect 0 'echo through | qvm-run -p work cat' $'through\n' ''
	expect 0 "qvm-run -p work 'echo out; echo err >&2' </dev/null" $'out\n' $'err\n'
	expect 0 'qvm-run -p -u root work id -un </dev/null' $'root\n' ''
	expect 0 "qvm-run -p --no-shell work -- printf '%s|' 'a b' \"c'd\" '\$x' '' -- -n </dev/null" "a b|c'd|\$x||--|-n|" ''
	expect 7 "qvm-run -q work 'exit 7'" '' ''
	expect 137 "qvm-run work 'kill -9 \$\$'" '' \
		$'Running \'kill -9 $$\' on work\nwork: command failed with code: 137\n'
	expect 127 'qvm-run -p --service work no.Such </dev/null' '' $'qrexec-client: there is no such service\n'
	expect 3 "qvm-run -p --localcmd 'read x; test \"\$x\" = hello && exit 3' work 'echo hello'" '' ''
}

@test "qvm-run: a halted qube is started, a paused one goes on" {
	expect 1 'qvm-run -n vault true' '' $'Qube \'vault\' not started\n'
	expect 0 'qvm-run -p vault hostname </dev/null' $'vault\n' ''
	qvm-pause vault
	expect 1 'qvm-run -n vault true' '' $'Qube \'vault\' is paused\n'
	expect 0 'qvm-run -p vault hostname </dev/null' $'vault\n' ''
	qvm-shutdown --wait vault
}

@test "qvm-run: several qubes at once" {
	expect 0 "qvm-run -q --where 'name=[wp]*' 'echo here >/home/user/there'" '' ''
	local qube
	for qube in work personal; do
		expect 0 "inside $qube 'cat there'" $'here\n' ''
	done
}

@test "qvm-run: a disposable runs, prints, and is gone" {
	run -0 bash -c "qvm-run -p --dispvm -- 'hostname; id -un' </dev/null"
	assert_output --regexp $'^disp[0-9]+\nuser$'
	run -1 qvm-check -q "${lines[0]}"
	# It also goes when the command is stopped.
	qvm-run -q --dispvm -- 'echo >there; sleep 1000' 3>&- &
	local pid=$!
	await 'qvm-run -q -p --where name=disp* --localcmd : "test -e there"; qvm-ls --raw-list | grep -q ^disp'
	kill -TERM "$pid"
	wait "$pid" || :
	expect 1 'qvm-ls --raw-list | grep ^disp' '' ''
}

@test "qvm-run: what a qube says does nothing to a terminal, and endless output ends with its reader" {
	echo "printf 'a\\033]0;x\\007b'" >line
	run bash -c "script -qec 'qvm-run -p work \"\$(cat line)\"' /dev/null </dev/null | tr '\033' E"
	assert_output $'E[0;31mE[0;31ma_]0;x\abE[0mE[0m'
	expect 0 "qvm-run -p work yes </dev/null 2>/dev/null | head -n 1" $'y\n' ''
	expect 0 'head -c 20000000 /dev/zero | qvm-run -p work cat | wc -c' $'20000000\n' ''
}

@test "qvm-copy-to-vm from dom0: content, links, names, and what is there stays" {
	mkdir -p tree/sub
	head -c 3000000 /dev/urandom >tree/large
	echo hello >tree/sub/a
	ln -s a tree/sub/link
	printf x >$'tree/two\nlines'
	expect 0 'qvm-copy-to-vm work tree' '' ''
	expect 0 "inside work 'cd QubesIncoming/dom0/tree && sha256sum <large && cat sub/link && ls | wc -l'" \
		"$(sha256sum <tree/large)"$'\nhello\n4\n' ''
	rm -r tree/sub
	run --separate-stderr qvm-copy-to-vm work tree
	assert_equal "$status" 1
	assert_regex "$stderr" 'A file named "tree/(large|two_lines)" already exists in QubesIncoming dir'
	echo gone >f
	expect 0 'qvm-move-to-vm personal f && ! test -e f && inside personal "cat QubesIncoming/dom0/f"' $'gone\n' ''
}

@test "qvm-copy between qubes: allow, deny, redirect, ask" {
	inside work 'mkdir -p tree && echo content >tree/file && ln -s file tree/link'
	policy <<-'END'
		qubes.Filecopy * work personal allow
		qubes.Filecopy * work untrusted allow target=personal
		qubes.Filecopy * work @default ask target=personal default_target=personal
		qubes.Filecopy * work @anyvm deny
	END
	expect 0 "inside work '/opt/qvm/bin/qvm-copy-to-vm -q personal tree'" '' ''
	expect 0 "inside personal 'cat QubesIncoming/work/tree/link'" $'content\n' ''
	run -1 inside work '/opt/qvm/bin/qvm-copy-to-vm -q vault tree 2>&1'
	assert_output $'Request refused\nqvm-copy-to-vm: error: the other side ended without a result (exit status 126)'
	inside personal 'rm -rf QubesIncoming'
	expect 0 "inside work '/opt/qvm/bin/qvm-copy-to-vm -q untrusted tree'" '' ''
	expect 0 "inside personal 'cat QubesIncoming/work/tree/file; rm -rf QubesIncoming'" $'content\n' ''
	expect 0 "inside work 'echo x >mine; /opt/qvm/bin/qvm-move mine; ls mine 2>/dev/null'" '' '' || [ "$?" = 1 ]
	expect 0 "inside personal 'cat QubesIncoming/work/mine'" $'x\n' ''
	# what is there stays, and the one who sends is told
	inside work 'echo other >mine'
	run -1 inside work '/opt/qvm/bin/qvm-move mine 2>&1; cat mine; exit 1'
	assert_output $'qvm-move: error: A file named "mine" already exists in QubesIncoming dir\nother'
}

@test "a qube that sends what nobody should take" {
	policy <<<'qubes.Filecopy * work personal allow'
	local evil
	for evil in '../evil' '/home/user/evil' 'd/../../evil'; do
		inside work "{ printf '\\x$(printf %02x $((${#evil} + 1)))\\0\\0\\0\\xa4\\x81\\0\\0\\1\\0\\0\\0\\0\\0\\0\\0'
			head -c 16 /dev/zero; printf '%s\\0x' '$evil'; head -c 32 /dev/zero; } >stream
			/opt/qvm/lib/qvm-tools/qrexec-client-vm personal qubes.Filecopy <stream | od -An -tu4 -N 4 >code"
		expect 0 "inside work 'cat code'" $'         84\n' ''
	done
	expect 1 "inside personal 'find / -xdev -name evil 2>/dev/null | grep .'" '' ''
}

@test "qvm-open-in-vm between qubes: what is changed comes back" {
	policy <<<'qubes.OpenInVM * work personal allow'
	inside personal "printf '#!/bin/sh\\necho edited >>\"\$1\"\\n' >.qvm-opener; chmod +x .qvm-opener"
	inside work 'echo first >note'
	expect 0 "inside work '/opt/qvm/bin/qvm-open-in-vm personal note; cat note'" $'first\nedited\n' ''
	expect 0 "inside work '/opt/qvm/bin/qvm-open-in-vm --view-only personal note; cat note'" $'first\nedited\n' ''
	run -1 inside work '/opt/qvm/bin/qvm-open-in-vm vault note 2>&1'
	assert_output --partial 'note could not be opened (exit status 126)'
}

@test "qvm-run in an admin qube: what the policy allows" {
	policy <<-'END'
		admin.vm.List * work dom0 allow
		admin.vm.List * work @anyvm allow target=dom0
		admin.vm.CurrentState * work personal allow target=dom0
		admin.vm.feature.CheckWithTemplate * work personal allow target=dom0
		qubes.VMShell * work personal allow
	END
	expect 0 "inside work '/opt/qvm/bin/qvm-run -p personal hostname </dev/null'" $'personal\n' ''
	run inside work '/opt/qvm/bin/qvm-run -p vault hostname </dev/null 2>&1'
	assert_not_equal "$status" 0
}
