# SPDX-License-Identifier: GPL-2.0-or-later
# qvm-notes (tools-config 8).

load lib/common

# Three qubes: notes with a newline at their end, without one, and none.
script() {
	cat - >"$BATS_TEST_TMPDIR/n.script" <<'EOF'
> admin.vm.List+ dom0
< 0\0nil class=AppVM state=Halted\nnl class=AppVM state=Halted\nplain class=AppVM state=Halted\n
> admin.vm.notes.Get+ nl
< 0\0a\nb\n
> admin.vm.notes.Get+ plain
< 0\0old
> admin.vm.notes.Get+ nil
< 0\0
> admin.vm.notes.Set+ nl *
< 0\0
> admin.vm.notes.Set+ plain *
< 0\0
> admin.vm.notes.Set+ nil *
< 0\0
> admin.vm.notes.Get+ refused
< 2\0QubesException\0\0Failed to read notes file: x\0
> admin.vm.notes.Set+ refused *
< 2\0QubesException\0\0disk is full\0
> admin.vm.notes.Get+ long
< 0\0old
> admin.vm.notes.Set+ long *
< 2\0ProtocolError\0\0Maximum note size is 256000 bytes (300000 bytes received)\0
> admin.vm.notes.Get+ ghost
< 2\0QubesVMNotFoundError\0\0No such domain: 'ghost'\0
> admin.vm.notes.Set+ ghost *
< 2\0QubesVMNotFoundError\0\0No such domain: 'ghost'\0
> admin.vm.notes.Get+ shut
< close
> admin.vm.notes.Get+ half
< 0\0old
> admin.vm.notes.Set+ half *
< 2\0QubesException\0\0disk is full\0
EOF
	start_script "$BATS_TEST_TMPDIR/n.script"
}

setup() {
	unset VISUAL EDITOR
	export TMPDIR=$BATS_TEST_TMPDIR/tmp
	mkdir "$TMPDIR"
}

# An editor that is the given shell program; its file is $1.
editor() {
	printf '#!/bin/sh\n%s\n' "$1" >"$BATS_TEST_TMPDIR/editor"
	chmod +x "$BATS_TEST_TMPDIR/editor"
	export EDITOR=$BATS_TEST_TMPDIR/editor
}

@test "--print: the notes and one newline more" {
	script
	expect 0 'qvm-notes --print nl' $'a\nb\n\n' ''
	expect 0 'qvm-notes -p plain' $'old\n' ''
	expect 0 'qvm-notes plain --print' $'old\n' ''
	expect 0 'qvm-notes -p nil' $'\n' ''
	expect 0 'qvm-notes -p nl --json' $'"a\\nb\\n"\n' ''
	expect 0 'qvm-notes -p nil --jsonl' $'""\n' ''
	assert_equal "$(calls | sort | uniq -c | tr -s ' ')" ' 2 nil admin.vm.notes.Get+
 2 nl admin.vm.notes.Get+
 2 plain admin.vm.notes.Get+'
}

@test "--set, --append, --import: what is sent" {
	script
	printf 'one\r\ntwo\rthree\r\r\nö' >"$BATS_TEST_TMPDIR/file"
	: >"$BATS_TEST_TMPDIR/empty"
	expect 0 "qvm-notes --set 'x y' plain; qvm-notes -s '' plain; qvm-notes plain --set=-e
		qvm-notes --append new nl; qvm-notes --append new plain; qvm-notes --append new nil
		qvm-notes --append '' plain
		qvm-notes --import $BATS_TEST_TMPDIR/file nil; qvm-notes -i $BATS_TEST_TMPDIR/empty nil" '' ''
	assert_equal "$(calls)" 'plain admin.vm.notes.Set+ <- x y
plain admin.vm.notes.Set+
plain admin.vm.notes.Set+ <- -e
nl admin.vm.notes.Get+
nl admin.vm.notes.Set+ <- a\nb\nnew
plain admin.vm.notes.Get+
plain admin.vm.notes.Set+ <- old\nnew
nil admin.vm.notes.Get+
nil admin.vm.notes.Set+ <- new
nil admin.vm.notes.Set+ <- one\ntwo\nthree\n\n\xc3\xb6
nil admin.vm.notes.Set+'
}

@test "errors" {
	script
	printf '\xff' >"$BATS_TEST_TMPDIR/latin"
	local set='qvm-notes: Unable to set qube notes: disk is full'
	expect 1 'qvm-notes -p refused' '' $'qvm-notes: Unable to get qube notes: Failed to read notes file: x\n'
	expect 1 'qvm-notes -s x refused' '' "$set"$'\n'
	expect 1 'qvm-notes -q -s x refused' '' "${set#qvm-notes: }"$'\n'
	expect 1 "qvm-notes -i $BATS_TEST_DIRNAME/notes.bats refused" '' \
		$'qvm-notes: Unable to import notes file: disk is full\n'
	expect 1 'qvm-notes --append x refused' '' \
		$'qvm-notes: Unable to append qube notes: Failed to read notes file: x\n'
	expect 1 'qvm-notes --append x half' '' $'qvm-notes: Unable to append qube notes: disk is full\n'
	expect 1 'qvm-notes -d -f refused' '' $'qvm-notes: Unable to delete qube notes: disk is full\n'
	expect 1 'qvm-notes refused' '' $'qvm-notes: Failed to edit qube notes: Failed to read notes file: x\n'
	expect 1 'qvm-notes -s x long' '' \
		$'qvm-notes: error: Maximum note size is 256000 bytes (300000 bytes received)\n'
	expect 1 "qvm-notes -i $BATS_TEST_TMPDIR/latin plain" '' \
		"qvm-notes: error: $BATS_TEST_TMPDIR/latin: not valid UTF-8"$'\n'
	expect 1 "qvm-notes -i $BATS_TEST_TMPDIR/nofile plain" '' \
		"qvm-notes: error: $BATS_TEST_TMPDIR/nofile: No such file or directory"$'\n'
	expect 1 "qvm-notes --import '' plain" '' $'qvm-notes: error: : No such file or directory\n'
	# Over qrexec a missing qube looks like any refusal: the list of qubes tells.
	fails 2 'qvm-notes -p shut' "qvm-notes: error: no such domain: 'shut'"
	run --separate-stderr qvm-notes -p refused --json
	assert_equal "$status $output" '1 '
	assert_equal "$stderr" 'qvm-notes: error: Failed to read notes file: x
{"error":"QubesException","message":"Failed to read notes file: x","qube":"refused","method":"admin.vm.notes.Get"}'
	fails 2 'qvm-notes -p ghost' "qvm-notes: error: no such domain: 'ghost'"
	fails 2 'qvm-notes -s x ghost' "qvm-notes: error: no such domain: 'ghost'"
	fails 2 'qvm-notes ghost' "qvm-notes: error: no such domain: 'ghost'"
	fails 2 'qvm-notes -d ghost' "qvm-notes: error: no such domain: 'ghost'"
	fails 2 'qvm-notes -p -d plain' 'qvm-notes: error: argument --delete/-d: not allowed with argument --print/-p'
	fails 2 'qvm-notes -s x --append y plain' \
		'qvm-notes: error: argument --append: not allowed with argument --set/-s'
	fails 2 'qvm-notes -i' 'qvm-notes: error: argument --import/-i: expected one argument'
	fails 2 'qvm-notes -p' 'qvm-notes: error: the following arguments are required: VMNAME'
}

@test "--delete asks, --force does not" {
	script
	local ask=$'You are about to delete existing qube notes\nAre you certain? [y/N]'
	expect 0 'echo y | qvm-notes --delete plain' "$ask" ''
	expect 0 'echo Y | qvm-notes -d nl' "$ask" ''
	expect 0 'qvm-notes -d --force nil' '' ''
	expect 0 'qvm-notes -d -f nil' '' ''
	assert_equal "$(calls | grep notes)" 'plain admin.vm.notes.Set+
nl admin.vm.notes.Set+
nil admin.vm.notes.Set+
nil admin.vm.notes.Set+'
	calls_clear
	for answer in n yes ' y' '' NO; do
		expect 2 "echo '$answer' | qvm-notes -d plain" "$ask" ''
	done
	expect 2 'qvm-notes -d plain </dev/null' "$ask" ''
	assert_equal "$(calls | tr -d '\0' | sort -u)" 'dom0 admin.vm.List+'
}

@test "--edit" {
	script
	editor 'echo "$1" >"$TMPDIR/../path"; stat -c %a "$1" >"$TMPDIR/../mode"; cat "$1" >"$TMPDIR/../before"
		printf "new\n" >"$1"'
	expect 0 'qvm-notes nl' '' ''
	assert_equal "$(calls)" 'nl admin.vm.notes.Get+
nl admin.vm.notes.Set+ <- new\n'
	assert_equal "$(cat "$BATS_TEST_TMPDIR/before")" $'a\nb'
	assert_equal "$(cat "$BATS_TEST_TMPDIR/mode")" 600
	[[ $(<"$BATS_TEST_TMPDIR/path") =~ ^"$TMPDIR"/nl_qube_[A-Za-z0-9_]+_notes\.txt$ ]]
	assert_equal "$(ls "$TMPDIR")" ''

	# VISUAL comes before EDITOR, and is a shell command.
	calls_clear
	expect 0 'VISUAL="printf seen >" qvm-notes --edit nil' '' ''
	assert_equal "$(calls)" 'nil admin.vm.notes.Get+
nil admin.vm.notes.Set+ <- seen'

	# Nothing changed (the time of the file does not count), nothing sent.
	calls_clear
	editor 'touch -d 2001-01-01 "$1"'
	expect 0 'qvm-notes -e plain' '' ''
	assert_equal "$(calls)" 'plain admin.vm.notes.Get+'

	calls_clear
	editor 'echo lost >"$1"; exit 3'
	expect 1 'qvm-notes plain' '' "qvm-notes: error: the editor '$EDITOR' failed with status 3"$'\n'
	assert_equal "$(calls)" 'plain admin.vm.notes.Get+'
	assert_equal "$(ls "$TMPDIR")" ''
}

@test "an edited text that cannot be saved is kept" {
	script
	editor 'printf "precious\n" >"$1"'
	run --separate-stderr qvm-notes half
	assert_equal "$status" 1
	local kept
	kept=$(echo "$TMPDIR"/half_qube_*_notes.txt)
	assert_equal "$stderr" "qvm-notes: Failed to edit qube notes: disk is full
qvm-notes: the edited text is kept in $kept"
	assert_equal "$(<"$kept")" precious
}

@test "many qubes" {
	script
	expect 0 'qvm-notes --all -p' $'nil    \nnl     a\nnl     b\nnl     \nplain  old\n' ''
	expect 0 'qvm-notes --where name=n* -p --json' $'{\n"nil":"",\n"nl":"a\\nb\\n"\n}\n' ''
	calls_clear
	expect 0 'qvm-notes --where name=n* --append x' '' ''
	assert_equal "$(calls | sort)" 'dom0 admin.vm.List+
nil admin.vm.notes.Get+
nil admin.vm.notes.Set+ <- x
nl admin.vm.notes.Get+
nl admin.vm.notes.Set+ <- a\nb\nx'
	fails 2 'qvm-notes --all' 'qvm-notes: error: --edit takes one qube'
}

@test "with the daemon" {
	start_daemon default
	expect 0 'qvm-notes -s "ein Gruß" work; qvm-notes --append "zwei" work; qvm-notes -p work
		qvm-notes -d -f work; qvm-notes -p work' $'ein Gruß\nzwei\n\n' ''
	fails 2 'qvm-notes -p nosuch' "qvm-notes: error: no such domain: 'nosuch'"
	fails 1 'qvm-notes -p dom0' 'qvm-notes: error: expected destination to not be AdminVM'
}
