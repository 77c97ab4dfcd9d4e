# SPDX-License-Identifier: GPL-2.0-or-later
# qvm-label (admin-api 2.8).

load lib/common

@test "listing and showing" {
	start_script "$ROOT/tests/fixtures/appendix-a.script"
	local name table='1  red     0xcc0000
2  orange  0xf57900
3  yellow  0xedd400
4  green   0x73d216
5  gray    0x555555
6  blue    0x3465a4
7  purple  0x75507b
8  black   0x000000
'
	for name in '' list ls l; do
		expect 0 "qvm-label $name" "$table" ''
	done
	expect 0 'qvm-label get blue' $'0x3465a4\n' ''
	expect 0 'qvm-label --json | head -n 2' $'[\n{"index":1,"name":"red","color":"0xcc0000"},\n' ''
	expect 0 'qvm-label list --jsonl | tail -n 1' $'{"index":8,"name":"black","color":"0x000000"}\n' ''
	expect 0 'qvm-label get red --json' $'{"index":1,"name":"red","color":"0xcc0000"}\n' ''
	calls_clear
	qvm-label get red
	assert_equal "$(calls)" 'dom0 admin.label.Get+red'
}

@test "creating and removing: what is sent, and refusals" {
	start_script <<'EOF'
> admin.label.Create+pink dom0 *
< 0\0
> admin.label.Remove+pink dom0
< 0\0
> admin.label.Remove+red dom0
< 2\0ProtocolError\0\0Can only remove custom labels\0
> admin.label.Get+nope dom0
< 2\0QubesLabelNotFoundError\0\0Label does not exist: nope\0
> admin.label.Get+old dom0
< 2\0QubesValueError\0\0\0
> admin.label.List+ dom0
< 0\0here\ngone\n
> admin.label.Index+here dom0
< 0\09
> admin.label.Get+here dom0
< 0\00xffffff
> admin.label.Index+gone dom0
< 2\0QubesLabelNotFoundError\0\0Label does not exist: gone\0
> admin.label.Get+gone dom0
< 2\0QubesLabelNotFoundError\0\0Label does not exist: gone\0
EOF
	expect 0 'qvm-label create pink 0xff00ff; qvm-label remove pink; qvm-label rm pink' '' ''
	assert_equal "$(calls)" 'dom0 admin.label.Create+pink <- 0xff00ff
dom0 admin.label.Remove+pink
dom0 admin.label.Remove+pink'
	expect 1 'qvm-label rm red' '' $'qvm-label: error: Can only remove custom labels\n'
	expect 1 'qvm-label get nope' '' $'qvm-label: error: Label does not exist: nope\n'
	# Daemons of 4.2 and 4.3 refuse without a word.
	expect 1 'qvm-label get old' '' $'qvm-label: error: no such label: \'old\'\n'
	# Gone since it was listed.
	expect 0 'qvm-label' $'9  here  0xffffff\n' ''
	fails 2 'qvm-label get' 'qvm-label get: error: the following arguments are required: NAME'
	fails 2 'qvm-label create a' 'qvm-label create: error: the following arguments are required: COLOR'
	run --separate-stderr qvm-label bogus
	assert_equal "$status" 2
	[[ ${stderr##*$'\n'} == "qvm-label: error: argument command: invalid choice: 'bogus' (choose from "* ]]
}

@test "a list that is refused without a word" {
	start_script <<'EOF'
> admin.label.List+ dom0
< 2\0QubesException\0\0\0
EOF
	expect 1 'qvm-label' '' $'qvm-label: error: \n'
}

@test "with the daemon" {
	start_daemon default
	expect 0 'qvm-label create pink 0xFF00ff; qvm-label get pink; qvm-label | tail -n 1; qvm-label remove pink' \
		$'0xFF00ff\n9  pink    0xFF00ff\n' ''
	fails 1 'qvm-label get pink' 'qvm-label: error: Label does not exist: pink'
	fails 1 'qvm-label remove red' 'qvm-label: error: Can only remove custom labels'
	fails 1 'qvm-label create pink red' 'qvm-label: error: Label value must have length of 8'
	fails 1 'qvm-label create 12 0x123456' 'qvm-label: error: Label must not be a digit'
}
