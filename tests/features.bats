# SPDX-License-Identifier: GPL-2.0-or-later
# qvm-features (tools-config 5).

load lib/common

@test "all features, in the order of the server" {
	start_appendix_a </dev/null
	expect 0 'qvm-features work' \
'service.cups   1
service.crond  
gui            1
menu-items     a.desktop b.desktop
note           
' ''
	assert_equal "$(calls | sort)" 'work admin.vm.feature.Get+gui
work admin.vm.feature.Get+menu-items
work admin.vm.feature.Get+note
work admin.vm.feature.Get+service.crond
work admin.vm.feature.Get+service.cups
work admin.vm.feature.List+'
	expect 0 'qvm-features Vault' '' ''
}

@test "one feature: its value, or status 1 and silence" {
	start_appendix_a <<'EOF'
> admin.vm.feature.Get+two work
< 0\0a\nb
> admin.vm.feature.Get+bad work
< 2\0QubesException\0\0100% full\0
> admin.vm.feature.Get+shut work
< close
> admin.vm.feature.Get+gui ghost
< 2\0QubesVMNotFoundError\0\0No such domain: 'ghost'\0
> admin.vm.feature.List+ ghost
< 2\0QubesVMNotFoundError\0\0No such domain: 'ghost'\0
> admin.vm.feature.List+ shut
< 2\0PermissionDenied\0\0no list\0
EOF
	expect 0 'qvm-features work gui' $'1\n' ''
	expect 0 'qvm-features work note' $'\n' ''
	expect 0 'qvm-features work menu-items' $'a.desktop b.desktop\n' ''
	expect 0 'qvm-features work two' $'a\nb\n' ''
	expect 1 'qvm-features work nope' '' ''
	expect 1 'qvm-features work bad' '' $'qvm-features: error: 100% full\n'
	expect 1 'qvm-features work shut' '' \
		$'qvm-features: error: Got empty response from qubesd. See journalctl in dom0 for details.\n'
	expect 1 'qvm-features shut' '' $'qvm-features: error: no list\n'
	fails 2 'qvm-features ghost gui' "qvm-features: error: no such domain: 'ghost'"
	fails 2 'qvm-features ghost' "qvm-features: error: no such domain: 'ghost'"
	fails 2 'qvm-features' 'qvm-features: error: the following arguments are required: VMNAME'
	fails 2 'qvm-features work a b c' 'qvm-features: error: unrecognized arguments: c'
	calls_clear
	qvm-features work gui
	assert_equal "$(calls)" 'work admin.vm.feature.Get+gui'
}

@test "a feature that goes away while it is listed is left out" {
	start_script <<'EOF'
> admin.vm.feature.List+ a
< 0\0x\ngone\nnl\n
> admin.vm.feature.Get+x a
< 0\01
> admin.vm.feature.Get+gone a
< 2\0QubesFeatureNotFoundError\0\0Feature not set for domain a: gone\0
> admin.vm.feature.Get+nl a
< 0\0a\nb
> admin.vm.feature.List+ b
< 0\0x\ny\n
> admin.vm.feature.Get+x b
< 0\01
> admin.vm.feature.Get+y b
< 2\0PermissionDenied\0\0no\0
EOF
	# In a table a line break cannot be one.
	expect 0 'qvm-features a' $'x   1\nnl  a\\nb\n' ''
	expect 0 'qvm-features a --json' $'{\n"x":"1",\n"nl":"a\\nb"\n}\n' ''
	expect 1 'qvm-features b' '' $'qvm-features: error: no\n'
}

@test "setting and removing" {
	start_appendix_a <<'EOF'
> admin.vm.feature.Set+f work *
< 0\0
> admin.vm.feature.Set+bad work *
< 2\0QubesValueError\0\0bad value contains illegal characters\0
> admin.vm.feature.Remove+f work
< 0\0
> admin.vm.feature.Remove+nope work
< 2\0QubesFeatureNotFoundError\0\0Feature not set for domain work: nope\0
EOF
	expect 0 'qvm-features work f 1
		qvm-features work f ""
		qvm-features work f " x  y "
		qvm-features work f -1
		qvm-features work -- f -x
		qvm-features --unset work f
		qvm-features --default work f
		qvm-features --delete work f
		qvm-features --de work f
		qvm-features --un work f
		qvm-features work f -D
		qvm-features -D work nope' '' ''
	assert_equal "$(calls)" 'work admin.vm.feature.Set+f <- 1
work admin.vm.feature.Set+f
work admin.vm.feature.Set+f <-  x  y 
work admin.vm.feature.Set+f <- -1
work admin.vm.feature.Set+f <- -x
work admin.vm.feature.Remove+f
work admin.vm.feature.Remove+f
work admin.vm.feature.Remove+f
work admin.vm.feature.Remove+f
work admin.vm.feature.Remove+f
work admin.vm.feature.Remove+f
work admin.vm.feature.Remove+nope'
	expect 1 'qvm-features work bad x' '' $'qvm-features: error: bad value contains illegal characters\n'
	calls_clear
	fails 2 'qvm-features -D work' 'qvm-features: error: --unset requires a feature'
	fails 2 'qvm-features -D work f 1' 'qvm-features: error: cannot both set and unset a value'
	assert_equal "$(calls)" ''
}

@test "JSON" {
	start_appendix_a </dev/null
	expect 0 'qvm-features work --json' '{
"service.cups":"1",
"service.crond":"",
"gui":"1",
"menu-items":"a.desktop b.desktop",
"note":""
}
' ''
	expect 0 'qvm-features work --jsonl | head -n 1' $'{"name":"service.cups","value":"1"}\n' ''
	expect 0 'qvm-features Vault --json' $'{}\n' ''
	expect 0 'qvm-features work gui --json' $'"1"\n' ''
	expect 1 'qvm-features work nope --json' $'null\n' ''
}

@test "many qubes" {
	start_appendix_a <<'EOF'
> admin.vm.feature.Set+f sys-net *
< 0\0
> admin.vm.feature.Set+f sys-firewall *
< 2\0QubesValueError\0\0no\0
EOF
	expect 0 'qvm-features --where name=sys-*' \
'sys-firewall  servicevm                1
sys-net       servicevm                1
sys-net       service.network-manager  1
' ''
	# Not set says nothing; status 1 only when none has it.
	expect 0 'qvm-features --all servicevm' $'sys-firewall  1\nsys-net       1\n' ''
	expect 1 'qvm-features --where name=sys-* internal' '' ''
	expect 0 'qvm-features --where name=sys-* --json' '{
"sys-firewall":{
"servicevm":"1"
},
"sys-net":{
"servicevm":"1",
"service.network-manager":"1"
}
}
' ''
	expect 0 'qvm-features --where name=[Vs]* --exclude sys-net servicevm --json' \
		$'{\n"Vault":null,\n"sys-firewall":"1"\n}\n' ''
	calls_clear
	expect 1 'qvm-features --where name=sys-* f 1' '' $'qvm-features: error: sys-firewall: no\n'
	assert_equal "$(calls | sort)" 'dom0 admin.vm.List+
sys-firewall admin.vm.feature.Set+f <- 1
sys-net admin.vm.feature.Set+f <- 1'
}

@test "with the daemon" {
	start_daemon default
	expect 0 'qvm-features work test-f x; qvm-features work test-f ""; qvm-features work test-f
		qvm-features work | tail -n 1; qvm-features -D work test-f; qvm-features -D work test-f' \
		$'\ntest-f  \n' ''
	expect 1 'qvm-features work test-f' '' ''
	fails 2 'qvm-features nosuch' "qvm-features: error: no such domain: 'nosuch'"
	fails 2 'qvm-features nosuch a b' "qvm-features: error: no such domain: 'nosuch'"
	expect 0 'qvm-features dom0 some-feature 1; qvm-features dom0 some-feature' $'1\n' ''
}
