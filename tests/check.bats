#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# qvm-check: the table of tools-config 9, its quirks, --json, --where, and the calls each test costs.

load lib/common
load lib/appendix

# checks STATUS OPTIONS LINE...: nothing on stdout, just these lines on stderr.
checks() {
	local status=$1 options=$2 want=
	shift 2
	(($# == 0)) || want=$(printf '%s\n' "$@")$'\n'
	expect "$status" "qvm-check $options" '' "$want"
}

@test "the examples" {
	start_appendix </dev/null
	checks 0 work 'qvm-check: work: exists'
	checks 1 'work nosuch' 'qvm-check: work: exists' 'qvm-check: nosuch: non-existent!'
	checks 0 '--running sys-net Vault disp7' 'qvm-check: Vault: running' 'qvm-check: disp7: running' \
		'qvm-check: sys-net: running'
	checks 3 '--running work sys-net' 'qvm-check: sys-net: running'
	checks 3 '--running --paused Vault sys-net' 'qvm-check: Vault: running, paused'
	checks 1 '--running sys-net nosuch' 'qvm-check: sys-net: running' 'qvm-check: nosuch: non-existent!'
	checks 1 '--running nosuch' 'qvm-check: None of qubes: running' 'qvm-check: nosuch: non-existent!'
}

@test "usage errors" {
	start_appendix </dev/null
	local words want
	while IFS='|' read -r words want; do
		run --separate-stderr qvm-check $words
		assert_equal "$status ${stderr_lines[-1]}" "2 qvm-check: error: $want"
		assert_equal "${stderr%%:*} [$output]" 'usage []'
	done <<-'END'
		|one of the arguments --all VMNAME is required
		--all work|argument VMNAME: not allowed with argument --all
		--exclude work Vault|--exclude can only be used with --all
		--networkvm work|unrecognized arguments: --networkvm
		--all=1|argument --all: ignored explicit argument '1'
	END
}

@test "without a test: sorted, duplicates repeated, none, all" {
	start_appendix </dev/null
	checks 0 'work Vault work' 'qvm-check: Vault: exists' 'qvm-check: work: exists' 'qvm-check: work: exists'
	checks 1 'nosuch zz nosuch' 'qvm-check: nosuch: non-existent!' 'qvm-check: zz: non-existent!'
	checks 1 "'s*'" 'qvm-check: s*: non-existent!'
	checks 0 dom0 'qvm-check: dom0: exists'
	checks 0 '--all --exclude work --exclude Vault --exclude zz' 'qvm-check: debian-12: exists' \
		'qvm-check: disp7: exists' 'qvm-check: sys-firewall: exists' 'qvm-check: sys-net: exists'
	assert_equal "$(calls | sort -u)" 'dom0 admin.vm.List+'
}

@test "each test, in the order of the table whatever the order given" {
	start_appendix </dev/null
	checks 0 '--template debian-12' 'qvm-check: debian-12: template'
	checks 3 '--template debian-12 work' 'qvm-check: debian-12: template'
	checks 1 '--template work' 'qvm-check: None of qubes: template'
	checks 1 '--paused work sys-net' 'qvm-check: None of qubes: paused'
	checks 3 '--running work Vault Vault' 'qvm-check: Vault: running'
	checks 1 '--networked --template --paused --running Vault' \
		'qvm-check: None of qubes: running, paused, template, networked'
	checks 0 '--networked --running sys-net' 'qvm-check: sys-net: running, networked'
}

@test "--networked: provides one, or has a netvm; without the property it has none" {
	start_appendix </dev/null
	checks 3 '--networked dom0 Vault work sys-net work' 'qvm-check: sys-net: networked' \
		'qvm-check: work: networked'
	assert_equal "$(calls | sort)" "\
Vault admin.vm.property.Get+netvm
Vault admin.vm.property.Get+provides_network
dom0 admin.vm.List+
dom0 admin.vm.property.Get+netvm
dom0 admin.vm.property.Get+provides_network
sys-net admin.vm.property.Get+provides_network
work admin.vm.property.Get+netvm
work admin.vm.property.Get+provides_network"
	checks 1 '--networked dom0' 'qvm-check: None of qubes: networked'
}

@test "--running and --paused cost one call" {
	start_appendix </dev/null
	checks 0 '--running sys-net' 'qvm-check: sys-net: running'
	checks 0 '--paused Vault' 'qvm-check: Vault: paused'
	assert_equal "$(calls)" $'dom0 admin.vm.List+\ndom0 admin.vm.List+'
}

@test "-q is silent, the status stays; -q -q too; -v shows the calls" {
	start_appendix </dev/null
	checks 0 '-q work'
	checks 1 '-q nosuch'
	checks 1 '-q -q nosuch work'
	checks 3 '-q --running work sys-net'
	checks 0 '-v work' '> admin.vm.List dom0 - 0' 'qvm-check: work: exists'
}

@test "only dom0: --all finds none" {
	start_script <<-'END'
		> admin.vm.List+ dom0
		< 0\0dom0 class=AdminVM state=Running\n
	END
	checks 1 --all
	checks 0 '--all --running' 'qvm-check: None of qubes: running'
}

@test "--where" {
	start_appendix </dev/null
	checks 0 '--where class=AppVM --where state=Running' 'qvm-check: sys-firewall: exists' 'qvm-check: sys-net: exists'
	checks 3 '--paused --where class=AppVM' 'qvm-check: Vault: paused'
	assert_equal "$(calls | sort -u)" 'dom0 admin.vm.List+'
}

@test "--json and --jsonl" {
	start_appendix </dev/null
	run --separate-stderr qvm-check --json --running work sys-net nosuch work
	assert_equal "$status [$stderr]" '1 []'
	assert_equal "$(jq -cS . <<<"$output")" '{"nosuch":{"exists":false,"paused":false,"running":false,"template":false},"sys-net":{"exists":true,"paused":false,"running":true,"template":false},"work":{"exists":true,"paused":false,"running":false,"template":false}}'
	run --separate-stderr qvm-check --json --networked sys-net debian-12
	assert_equal "$status" 3
	assert_equal "$(jq -cS 'map_values(.networked)' <<<"$output")" '{"debian-12":false,"sys-net":true}'
	run --separate-stderr qvm-check --jsonl Vault
	assert_equal "$(jq -cS . <<<"$output")" '{"exists":true,"name":"Vault","paused":true,"running":true,"template":false}'
}

@test "errors: no daemon, refused, an odd list, an odd property" {
	QVM_ENDPOINT=unix:$BATS_TEST_TMPDIR/none expect 1 'qvm-check work' '' \
		$'qvm-check: error: Failed to connect to qubesd service: [Errno 2] No such file or directory\n'
	start_script <<-'END'
		> admin.vm.List+ dom0
		< 2\0PermissionDenied\0\0no\0
		> admin.vm.List+ dom0
		< 0\0work class=AppVM state=Halted\n
		> admin.vm.property.Get+provides_network work
		< 2\0QubesException\0\0boom\0
	END
	checks 1 work 'qvm-check: error: no'
	checks 1 '--networked work' 'qvm-check: error: boom'
}

@test "against the daemon" {
	start_daemon default
	checks 0 'sys-net dom0' 'qvm-check: dom0: exists' 'qvm-check: sys-net: exists'
	checks 0 '--networked sys-net' 'qvm-check: sys-net: networked'
	checks 1 '--networked vault' 'qvm-check: None of qubes: networked'
	checks 1 '-q nosuch'
}
