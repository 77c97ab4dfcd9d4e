#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# qvm-remove: the steps of tools-config 12, both prompts, and the list of users of a qube that is in use.

load lib/common
load lib/appendix

LIST='dom0 admin.vm.List+'
WARN=$'This will completely remove the selected VM(s)...\n'
SCARY=$'WARNING!!! Removing all domains may leave your system in an unrecoverable state!\n'
CANCELLED=$'Remove cancelled.\n'

# Every qube of the appendix can be removed.
start_removable() {
	local q
	start_appendix < <(for q in Vault debian-12 disp7 sys-firewall sys-net work; do
		printf '> admin.vm.Remove+ %s\n< 0\\0\n' "$q"
	done)
}
removed() { calls | tr -d '\0' | grep -F Remove || :; }

@test "usage errors: nothing removed" {
	start_removable
	local words want
	while IFS='|' read -r words want; do
		run --separate-stderr qvm-remove $words
		assert_equal "$status ${stderr_lines[-1]}" "2 qvm-remove: error: $want"
		assert_equal "${stderr%%:*} [$output]" 'usage []'
	done <<-'END'
		|one of the arguments --all VMNAME is required
		-f work nosuch|no such domain: 'nosuch'
		-f --all work|argument VMNAME: not allowed with argument --all
		-f --exclude work Vault|--exclude can only be used with --all
		--force=1 work|argument --force/-f: ignored explicit argument '1'
	END
	assert_equal "$(removed)" ''
}

@test "dom0, also through a pattern: nothing removed, no prompt" {
	start_removable
	expect 1 'qvm-remove work dom0' '' $'Domain \'dom0\' cannot be removed.\n'
	expect 1 "qvm-remove -f '*'" '' $'Domain \'dom0\' cannot be removed.\n'
	assert_equal "$(calls)" "$LIST"$'\n'"$LIST"
}

@test "a pattern without a match: nothing, 0" {
	start_removable
	expect 0 "qvm-remove 'zz*' </dev/null" '' ''
}

@test "one prompt: y and Y go ahead, all else is a refusal" {
	start_removable
	local answer ask=$'  work\n  Vault\nAre you sure? [y/N] '
	for answer in y Y; do
		expect 0 "echo $answer | qvm-remove work Vault work" "$ask" "$WARN"
	done
	assert_equal "$(removed)" $'work admin.vm.Remove+\nVault admin.vm.Remove+\nwork admin.vm.Remove+\nVault admin.vm.Remove+'
	calls_clear
	for answer in yes n '' ' y' 'y ' IKNOWWHATIAMDOING; do
		expect 1 "echo '$answer' | qvm-remove work Vault" "$ask" "$WARN$CANCELLED"
	done
	expect 1 'qvm-remove work Vault </dev/null' "$ask" "$WARN$CANCELLED"
	expect 0 'printf y | qvm-remove work Vault' "$ask" "$WARN"
	assert_equal "$(removed)" $'work admin.vm.Remove+\nVault admin.vm.Remove+'
}

@test "--force, -f: no prompt, order of the arguments" {
	start_removable
	expect 0 'qvm-remove --force work Vault </dev/null' '' ''
	expect 0 "qvm-remove 'sys-*' -f </dev/null" '' ''
	assert_equal "$(calls)" "$LIST
work admin.vm.Remove+
Vault admin.vm.Remove+
$LIST
sys-firewall admin.vm.Remove+
sys-net admin.vm.Remove+"
}

@test "--all: both prompts" {
	start_removable
	local certain='Are you certain? [N/IKNOWWHATIAMDOING]' list answer
	list=$(printf '  %s\n' Vault debian-12 disp7 sys-firewall sys-net work)$'\nAre you sure? [y/N] '
	for answer in y iknowwhatiamdoing ''; do
		expect 1 "echo '$answer' | qvm-remove --all" "$certain" "$SCARY$CANCELLED"
	done
	expect 1 "printf 'IKNOWWHATIAMDOING\nn\n' | qvm-remove --all" "$certain$list" "$SCARY$WARN$CANCELLED"
	assert_equal "$(removed)" ''
	expect 0 "printf 'IKNOWWHATIAMDOING\ny\n' | qvm-remove --all" "$certain$list" "$SCARY$WARN"
	assert_equal "$(removed | wc -l)" 6
	expect 0 'qvm-remove --all -f' '' ''
}

@test "--all --exclude: only the second prompt, if something is excluded" {
	start_removable
	local rest=$'  Vault\n  debian-12\n  disp7\n  sys-firewall\n  sys-net\nAre you sure? [y/N] '
	expect 0 'echo y | qvm-remove --all --exclude work' "$rest" "$WARN"
	expect 1 'echo y | qvm-remove --all --exclude nosuch' 'Are you certain? [N/IKNOWWHATIAMDOING]' "$SCARY$CANCELLED"
}

@test "--where" {
	start_removable
	expect 0 'qvm-remove -f --where state=Halted --where class=AppVM' '' ''
	expect 1 'qvm-remove --where class=DispVM </dev/null' $'  disp7\nAre you sure? [y/N] ' "$WARN$CANCELLED"
	assert_equal "$(removed)" 'work admin.vm.Remove+'
}

@test "the first failure stops" {
	start_appendix <<-'END'
		> admin.vm.Remove+ Vault
		< 0\0
		> admin.vm.Remove+ sys-net
		< 2\0QubesVMNotHaltedError\0\0Domain is not powered off: 'sys-net'\0
		> admin.vm.Remove+ work
		< 0\0
	END
	expect 1 'qvm-remove -f Vault sys-net work' '' $'qvm-remove: error: Domain is not powered off: \'sys-net\'\n'
	assert_equal "$(calls)" $'dom0 admin.vm.List+\nVault admin.vm.Remove+\nsys-net admin.vm.Remove+'
}

@test "in use: who uses it" {
	start_appendix <<-'END'
		> admin.vm.Remove+ sys-firewall
		< 2\0QubesVMInUseError\0\0Domain is in use: 'sys-firewall'\0
		> admin.vm.property.GetAll+ work
		< 0\0netvm default=False type=vm sys-firewall\n
	END
	expect 1 'qvm-remove -f sys-firewall' '' "\
VM sys-firewall cannot be removed. It is in use as:
 - global property default_netvm
 - netvm for work
qvm-remove: error: Domain is in use: 'sys-firewall'
"
	# One GetAll for the system and for each other qube.
	assert_equal "$(calls | sed 1,2d | sort)" "\
Vault admin.vm.property.GetAll+
debian-12 admin.vm.property.GetAll+
disp7 admin.vm.property.GetAll+
dom0 admin.property.GetAll+
dom0 admin.vm.property.GetAll+
sys-net admin.vm.property.GetAll+
work admin.vm.property.GetAll+"
}

@test "in use: every property in its order; defaults, preloaded disposables and refusals do not count" {
	start_script <<-'END'
		> admin.vm.List+ dom0
		< 0\0a class=AppVM state=Halted\nd1 class=DispVM state=Halted\nd2 class=DispVM state=Halted\ndom0 class=AdminVM state=Running\nno class=AppVM state=Halted\nt class=AppVM state=Halted\n
		> admin.vm.Remove+ t
		< 2\0QubesVMInUseError\0\0Domain is in use: 't'\0
		> admin.property.GetAll+ dom0
		< 0\0clockvm default=True type=vm t\ndefault_audiovm default=False type=vm t\ndefault_dispvm default=False type=vm t\ndefault_guivm default=False type=vm t\ndefault_netvm default=False type=vm t\ndefault_template default=False type=vm t\nmanagement_dispvm default=False type=vm t\nupdatevm default=False type=vm t\nx default=False type=str t\n
		> admin.vm.property.GetAll+ a
		< 0\0audiovm default=False type=vm t\ndefault_dispvm default=False type=vm t\nguivm default=False type=vm t\nmanagement_dispvm default=False type=vm t\nnetvm default=False type=vm t\ntemplate default=False type=vm t\n
		> admin.vm.property.GetAll+ d1
		< 0\0default_dispvm default=False type=vm t\nis_preload default=False type=bool True\nnetvm default=False type=vm t\ntemplate default=False type=vm t\n
		> admin.vm.property.GetAll+ d2
		< 0\0default_dispvm default=False type=vm t\nis_preload default=False type=bool True\nnetvm default=True type=vm t\ntemplate default=False type=vm a\n
		> admin.vm.property.GetAll+ no
		< close
		> admin.vm.property.GetAll+ dom0
		< 0\0default_dispvm default=True type=vm t\n
	END
	expect 1 'qvm-remove -f t' '' "\
VM t cannot be removed. It is in use as:
 - global property default_dispvm
 - global property default_netvm
 - global property default_guivm
 - global property default_audiovm
 - global property default_template
 - global property clockvm
 - global property updatevm
 - global property management_dispvm
 - template for a
 - netvm for a
 - guivm for a
 - audiovm for a
 - default_dispvm for a
 - management_dispvm for a
 - netvm for d1
 - default_dispvm for d2
qvm-remove: error: Domain is in use: 't'
"
}

@test "in use by nobody that can be seen: only the error" {
	start_script <<-'END'
		> admin.vm.List+ dom0
		< 0\0t class=AppVM state=Halted\n
		> admin.vm.Remove+ t
		< 2\0QubesVMInUseError\0\0VM has devices assigned to other VMs: sda\0
		> admin.property.GetAll+ dom0
		< close
	END
	expect 1 'qvm-remove -f t' '' $'qvm-remove: error: VM has devices assigned to other VMs: sda\n'
}

@test "against the daemon" {
	start_daemon default
	qvm-create -l red x
	expect 0 'echo y | qvm-remove x' $'  x\nAre you sure? [y/N] ' "$WARN"
	expect 2 'qvm-remove -f x 2>/dev/null' ''
	qvm-kill sys-net
	run --separate-stderr qvm-remove -f sys-net
	assert_equal "$status" 1
	assert_equal "${stderr_lines[0]}" 'VM sys-net cannot be removed. It is in use as:'
}
