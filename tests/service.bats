# SPDX-License-Identifier: GPL-2.0-or-later
# qvm-service (tools-config 6).

load lib/common

@test "listing" {
	start_appendix_a <<'EOF'
> admin.vm.feature.List+ shut
< 2\0PermissionDenied\0\0no list\0
> admin.vm.feature.List+ zero
< 0\0service.a\nservices.b\nservice.\n
> admin.vm.feature.Get+service.a zero
< 0\00
> admin.vm.feature.Get+service. zero
< 0\0
EOF
	expect 0 'qvm-service work' $'cups   on\ncrond  off\n' ''
	assert_equal "$(calls | sort)" 'work admin.vm.feature.Get+service.crond
work admin.vm.feature.Get+service.cups
work admin.vm.feature.List+'
	expect 0 'qvm-service -l work' $'cups   on\ncrond  off\n' ''
	expect 0 'qvm-service work --list' $'cups   on\ncrond  off\n' ''
	expect 0 'qvm-service Vault' '' ''
	# Any value counts as on, even 0.
	expect 0 'qvm-service zero' $'a  on\n   off\n' ''
	expect 1 'qvm-service shut' '' $'qvm-service: error: no list\n'
}

@test "one service" {
	start_appendix_a <<'EOF'
> admin.vm.feature.Get+service.zero work
< 0\00
> admin.vm.feature.Get+service.bad work
< 2\0QubesException\0\0no\0
> admin.vm.feature.Get+service.cups ghost
< 2\0QubesVMNotFoundError\0\0No such domain: 'ghost'\0
EOF
	expect 0 'qvm-service work cups' $'on\n' ''
	expect 0 'qvm-service work crond -l' $'off\n' ''
	expect 0 'qvm-service work zero' $'on\n' ''
	expect 1 'qvm-service work nope' '' ''
	expect 1 'qvm-service work bad' '' $'qvm-service: error: no\n'
	fails 2 'qvm-service ghost cups' "qvm-service: error: no such domain: 'ghost'"
}

@test "switching: the last of -e, -d and VALUE wins" {
	start_script <<'EOF'
> admin.vm.feature.Set+service.cups work *
< 0\0
> admin.vm.feature.Remove+service.cups work
< 0\0
> admin.vm.feature.Remove+service.nope work
< 2\0QubesFeatureNotFoundError\0\0Feature not set for domain work: service.nope\0
> admin.vm.feature.Set+service.bad work *
< 2\0QubesValueError\0\0Service name must not exceed 48 bytes\0
EOF
	# shellcheck disable=SC2034
	local on='work admin.vm.feature.Set+service.cups <- 1'
	# shellcheck disable=SC2034
	local off='work admin.vm.feature.Set+service.cups'
	while IFS='|' read -r want words; do
		calls_clear
		expect 0 "qvm-service $words" '' ''
		assert_equal "$words: $(calls)" "$words: ${!want}"
	done <<'EOF'
on|-e work cups
on|--enable work cups
on|work -e cups
on|work cups -e
on|work --enable cups
off|-d work cups
off|--disable work cups
on|work cups 1
on|work cups yes
on|work cups TRUE
on|work cups On
off|work cups 0
off|work cups no
off|work cups False
off|work cups OFF
off|-e work cups off
on|work cups off -e
on|-d -e work cups
off|-e -d work cups
on|-l -e work cups
EOF
	calls_clear
	expect 0 'qvm-service -D work cups; qvm-service --unset work cups; qvm-service --default work cups
		qvm-service --delete work cups; qvm-service work nope -D' '' ''
	assert_equal "$(calls)" 'work admin.vm.feature.Remove+service.cups
work admin.vm.feature.Remove+service.cups
work admin.vm.feature.Remove+service.cups
work admin.vm.feature.Remove+service.cups
work admin.vm.feature.Remove+service.nope'
	expect 1 'qvm-service -e work bad' '' $'qvm-service: error: Service name must not exceed 48 bytes\n'
}

@test "usage errors send nothing" {
	start_script </dev/null
	fails 1 'qvm-service work cups maybe' "qvm-service: error: Invalid literal for boolean value: 'maybe'"
	expect 1 'qvm-service work cups ""' '' $'qvm-service: error: Invalid literal for boolean value: \'\'\n'
	fails 2 'qvm-service -D work' 'qvm-service: error: --unset requires a feature'
	fails 2 'qvm-service -D work cups 1' 'qvm-service: error: cannot both set and unset a value'
	fails 2 'qvm-service -D -e work cups' 'qvm-service: error: cannot both set and unset a value'
	fails 2 'qvm-service -D -d work cups' 'qvm-service: error: cannot both set and unset a value'
	fails 2 'qvm-service -e work' 'qvm-service: error: --enable requires a service'
	fails 2 'qvm-service -d work' 'qvm-service: error: --disable requires a service'
	fails 2 'qvm-service' 'qvm-service: error: the following arguments are required: VMNAME'
	assert_equal "$(calls)" ''
}

@test "JSON and many qubes" {
	start_appendix_a <<'EOF'
> admin.vm.feature.Get+service.network-manager sys-firewall
< 2\0QubesFeatureNotFoundError\0\0Feature not set for domain sys-firewall: service.network-manager\0
> admin.vm.feature.Set+service.x sys-net *
< 0\0
> admin.vm.feature.Set+service.x sys-firewall *
< 0\0
EOF
	expect 0 'qvm-service work --json' $'{\n"cups":true,\n"crond":false\n}\n' ''
	expect 0 'qvm-service work --jsonl' $'{"name":"cups","value":true}\n{"name":"crond","value":false}\n' ''
	expect 0 'qvm-service work crond --json' $'false\n' ''
	expect 1 'qvm-service work nope --json' $'null\n' ''
	expect 0 'qvm-service --where name=sys-*' $'sys-net  network-manager  on\n' ''
	expect 0 'qvm-service --where name=sys-* network-manager' $'sys-net       on\n' ''
	expect 0 'qvm-service --where name=sys-* --json' \
		$'{\n"sys-firewall":{},\n"sys-net":{\n"network-manager":true\n}\n}\n' ''
	calls_clear
	expect 0 'qvm-service --where name=sys-* -e x' '' ''
	assert_equal "$(calls | sort)" 'dom0 admin.vm.List+
sys-firewall admin.vm.feature.Set+service.x <- 1
sys-net admin.vm.feature.Set+service.x <- 1'
}

@test "with the daemon" {
	start_daemon default
	expect 0 'qvm-service -e work cups; qvm-service work cups; qvm-service -d work cups; qvm-service work cups
		qvm-features work service.cups; qvm-service work; qvm-service -D work cups' \
		$'on\noff\n\ncups  off\n' ''
	expect 1 'qvm-service work cups' '' ''
	fails 2 'qvm-service -e nosuch cups' "qvm-service: error: no such domain: 'nosuch'"
	fails 1 "qvm-service -e work $(printf 'a%.0s' {1..49})" 'qvm-service: error: Service name must not exceed 48 bytes'
}
