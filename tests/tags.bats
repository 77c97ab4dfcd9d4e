# SPDX-License-Identifier: GPL-2.0-or-later
# qvm-tags (tools-config 7).

load lib/common

@test "listing" {
	start_appendix_a <<'EOF'
> admin.vm.tag.List+ unsorted
< 0\0zeta\nAlpha\nalpha\n
> admin.vm.tag.List+ shut
< 2\0PermissionDenied\0\0no list\0
> admin.vm.tag.List+ ghost
< 2\0QubesVMNotFoundError\0\0No such domain: 'ghost'\0
EOF
	local name
	for name in '' list ls l; do
		expect 0 "qvm-tags work $name" $'alpha\ncreated-by-dom0\nzeta\n' ''
	done
	assert_equal "$(calls | sort -u)" 'work admin.vm.tag.List+'
	expect 0 'qvm-tags Vault' '' ''
	expect 0 'qvm-tags unsorted' $'Alpha\nalpha\nzeta\n' ''
	expect 1 'qvm-tags shut' '' $'qvm-tags: error: no list\n'
	fails 2 'qvm-tags ghost' "qvm-tags: error: no such domain: 'ghost'"
	fails 2 'qvm-tags' 'qvm-tags: error: the following arguments are required: VMNAME'
	run --separate-stderr qvm-tags work bogus
	assert_equal "$status" 2
	[[ ${stderr##*$'\n'} == "qvm-tags: error: argument command: invalid choice: 'bogus' (choose from "* ]]
	run --separate-stderr qvm-tags work li
	assert_equal "$status" 2
}

@test "one tag" {
	start_appendix_a <<'EOF'
> admin.vm.tag.Get+b.d work
< 2\0QubesInvalidTagError\0\0disallowed characters\0
EOF
	expect 0 'qvm-tags work list zeta' $'zeta\n' ''
	assert_equal "$(calls)" 'work admin.vm.tag.Get+zeta'
	expect 0 'qvm-tags work l alpha' $'alpha\n' ''
	expect 1 'qvm-tags work ls nope' '' ''
	expect 1 'qvm-tags work list b.d' '' $'qvm-tags: error: disallowed characters\n'
	fails 2 'qvm-tags work list a b' 'qvm-tags: error: unrecognized arguments: b'
}

@test "adding and removing" {
	start_script <<'EOF'
> admin.vm.tag.Set+a work
< 0\0
> admin.vm.tag.Set+b work
< 0\0
> admin.vm.tag.Set+bad work
< 2\0QubesInvalidTagError\0\0disallowed characters\0
> admin.vm.tag.Remove+a work
< 0\0
> admin.vm.tag.Remove+b work
< 0\0
> admin.vm.tag.Remove+nope work
< 2\0QubesTagNotFoundError\0\0Tag not set for domain work: nope\0
> admin.vm.tag.Remove+created-by-dom0 work
< 2\0PermissionDenied\0\0changing this tag is prohibited by qubes.ext.admin.AdminExtension\0
EOF
	expect 0 'qvm-tags work add b a; qvm-tags work a a; qvm-tags work set b
		qvm-tags work del a; qvm-tags work d a; qvm-tags work unset nope; qvm-tags work u b nope a' '' ''
	assert_equal "$(calls)" 'work admin.vm.tag.Set+b
work admin.vm.tag.Set+a
work admin.vm.tag.Set+a
work admin.vm.tag.Set+b
work admin.vm.tag.Remove+a
work admin.vm.tag.Remove+a
work admin.vm.tag.Remove+nope
work admin.vm.tag.Remove+b
work admin.vm.tag.Remove+nope
work admin.vm.tag.Remove+a'
	calls_clear
	# What came before the failure stays, what comes behind it is not tried.
	expect 1 'qvm-tags work add a bad b' '' $'qvm-tags: error: disallowed characters\n'
	assert_equal "$(calls)" 'work admin.vm.tag.Set+a
work admin.vm.tag.Set+bad'
	expect 1 'qvm-tags work del created-by-dom0' '' \
		$'qvm-tags: error: changing this tag is prohibited by qubes.ext.admin.AdminExtension\n'
	calls_clear
	fails 2 'qvm-tags work add' 'qvm-tags VMNAME add: error: the following arguments are required: tag'
	fails 2 'qvm-tags work a' 'qvm-tags VMNAME add: error: the following arguments are required: tag'
	fails 2 'qvm-tags work del' 'qvm-tags VMNAME del: error: the following arguments are required: tag'
	assert_equal "$(calls)" ''
}

@test "common options behind the command, too" {
	start_appendix_a </dev/null
	expect 0 'qvm-tags work list -v zeta 2>/dev/null' $'zeta\n'
	expect 0 'qvm-tags work list -q zeta' $'zeta\n' ''
	run --separate-stderr qvm-tags work add -h
	assert_equal "$status $stderr" '0 '
	[[ $output == 'usage: qvm-tags VMNAME add'* ]]
}

@test "JSON and many qubes" {
	start_appendix_a <<'EOF'
> admin.vm.tag.Set+t sys-net
< 0\0
> admin.vm.tag.Set+t sys-firewall
< 2\0QubesException\0\0no\0
> admin.vm.tag.Set+u sys-net
< 0\0
> admin.vm.tag.Set+u sys-firewall
< 0\0
EOF
	expect 0 'qvm-tags work --json' $'["alpha","created-by-dom0","zeta"]\n' ''
	expect 0 'qvm-tags Vault --json' $'[]\n' ''
	expect 0 'qvm-tags work list zeta --json' $'["zeta"]\n' ''
	expect 1 'qvm-tags work list nope --json' $'[]\n' ''
	expect 0 'qvm-tags --where name=[Vw]*' $'work   alpha\nwork   created-by-dom0\nwork   zeta\n' ''
	expect 0 'qvm-tags --where name=[Vw]* list zeta' $'work   zeta\n' ''
	expect 0 'qvm-tags --where name=[Vw]* --json' \
		$'{\n"Vault":[],\n"work":["alpha","created-by-dom0","zeta"]\n}\n' ''
	calls_clear
	expect 1 'qvm-tags --where name=sys-* add t u' '' $'qvm-tags: error: sys-firewall: no\n'
	assert_equal "$(calls | sort)" 'dom0 admin.vm.List+
sys-firewall admin.vm.tag.Set+t
sys-firewall admin.vm.tag.Set+u
sys-net admin.vm.tag.Set+t
sys-net admin.vm.tag.Set+u'
}

@test "with the daemon" {
	start_daemon default
	expect 0 'qvm-tags work add zz aa; qvm-tags work list zz; qvm-tags work list aa; qvm-tags work del zz aa aa' \
		$'zz\naa\n' ''
	expect 1 'qvm-tags work list zz' '' ''
	fails 1 'qvm-tags work add a.b' 'qvm-tags: error: disallowed characters'
	fails 2 'qvm-tags nosuch add a' "qvm-tags: error: no such domain: 'nosuch'"
}
