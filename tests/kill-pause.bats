#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# qvm-kill, qvm-pause, qvm-unpause: tools-runtime 4 and 5 and the vectors of its chapter 14.

load lib/common

# World A of tools-runtime 14, vault as asked; the lines of stdin come behind.
start_world() {
	local d=$BATS_TEST_TMPDIR
	{
		cat <<-'END'
			> admin.vm.List+ dom0
			< 0\0dom0 class=AdminVM state=Running\nsys-net class=AppVM state=Running\nsys-usb class=AppVM state=Running\nvault class=AppVM state=Halted\nwork class=AppVM state=Running\n
		END
		cat
	} >"$d/world"
	start_script "$d/world"
}

@test "usage errors of all three" {
	start_world </dev/null
	local tool words want
	for tool in qvm-kill qvm-pause qvm-unpause; do
		while IFS='|' read -r words want; do
			run --separate-stderr $tool $words
			assert_equal "$status ${stderr_lines[-1]}" "2 $tool: error: $want"
			assert_equal "${stderr%%:*} [$output]" 'usage []'
		done <<-'END'
			|one of the arguments --all VMNAME is required
			nosuch work|no such domain: 'nosuch'
			--all work|argument VMNAME: not allowed with argument --all
			--exclude vault work|--exclude can only be used with --all
			-x work|unrecognized arguments: -x
		END
		expect 0 "$tool 'zz*'" '' ''
	done
	assert_equal "$(calls | sort -u)" 'dom0 admin.vm.List+'
}

@test "the list cannot be had" {
	start_script <<-'END'
		> admin.vm.List+ dom0
		< 2\0PermissionDenied\0\0denied\0
	END
	local tool
	for tool in qvm-kill qvm-pause qvm-unpause; do
		expect 1 "$tool work" '' $'Error: denied\n'
	done
}

@test "kill: not started is fine, failures are counted, in argument order" {
	start_world <<-'END'
		> admin.vm.Kill+ vault
		< 2\0QubesVMNotStartedError\0\0Domain is powered off: 'vault'\0
		> admin.vm.Kill+ sys-usb
		delay 30
		< 2\0QubesException\0\0refused 3 times\0
		> admin.vm.Kill+ work
		< 0\0
		> admin.vm.Kill+ sys-net
		< close
	END
	expect 1 'qvm-kill vault sys-usb work' '' $'Error: Failed to kill: sys-usb: refused 3 times\n'
	expect 2 'qvm-kill sys-usb sys-net work' '' "\
Error: Failed to kill: sys-usb: refused 3 times
Error: Failed to kill: sys-net: Got empty response from qubesd. See journalctl in dom0 for details.
"
	expect 0 'qvm-kill work' '' ''
	expect 2 'qvm-kill --all --exclude work' '' "\
Error: Failed to kill: sys-net: Got empty response from qubesd. See journalctl in dom0 for details.
Error: Failed to kill: sys-usb: refused 3 times
"
	calls_clear
	expect 0 'qvm-kill --where name=w*' '' ''
	assert_equal "$(calls | tr -d '\0')" $'dom0 admin.vm.List+\nwork admin.vm.Kill+'
}

@test "kill: 300 failures are 255" {
	local i list=
	for ((i = 0; i < 300; i++)); do list+="q$i class=AppVM state=Running\\n"; done
	start_script < <(printf '> admin.vm.List+ dom0\n< 0\\0%s\n' "$list")
	run --separate-stderr qvm-kill --all
	assert_equal "$status ${#stderr_lines[@]}" '255 300'
}

@test "pause and pause -S" {
	start_world <<-'END'
		> admin.vm.Pause+ work
		< 0\0
		> admin.vm.Pause+ vault
		< 2\0QubesVMNotRunningError\0\0Domain not running (either powered off or paused): 'vault'\0
		> admin.vm.Suspend+ work
		< 0\0
		> admin.vm.Suspend+ vault
		< 2\0QubesVMNotRunningError\0\0Domain not running (either powered off or paused): 'vault'\0
	END
	expect 0 'qvm-pause work' '' ''
	expect 1 'qvm-pause vault work' '' \
		$'Error: Failed to pause: vault: Domain not running (either powered off or paused): \'vault\'\n'
	expect 0 'qvm-pause -S work' '' ''
	expect 1 'qvm-pause --suspend work vault' '' \
		$'Error: Failed to suspend: vault: Domain not running (either powered off or paused): \'vault\'\n'
	assert_equal "$(calls | grep -v List | sort | uniq -c | sed 's/^ *//')" "\
1 vault admin.vm.Pause+
1 vault admin.vm.Suspend+
2 work admin.vm.Pause+
2 work admin.vm.Suspend+"
}

@test "pause --all and --where: what is down or paused is left alone" {
	start_script <<-'END'
		> admin.vm.List+ dom0
		< 0\0a class=AppVM state=Running\nb class=AppVM state=Halted\nc class=AppVM state=Paused\nd class=AppVM state=Suspended\ndom0 class=AdminVM state=Running\ne class=AppVM state=Transient\nf class=AppVM\n
		> admin.vm.Pause+ a
		< 0\0
		> admin.vm.Pause+ e
		< 0\0
		> admin.vm.Pause+ f
		< 0\0
	END
	expect 0 'qvm-pause --all' '' ''
	assert_equal "$(calls | sort)" $'a admin.vm.Pause+\ndom0 admin.vm.List+\ne admin.vm.Pause+\nf admin.vm.Pause+'
	calls_clear
	expect 0 'qvm-pause --where name=[ab]' '' ''
	assert_equal "$(calls | tr -d '\0')" $'dom0 admin.vm.List+\na admin.vm.Pause+'
}

@test "the help of pause ends with its warning" {
	run -0 qvm-pause --help
	assert_equal "${lines[-1]}" 'Paused qubes will be killed on system shutdown.'
}

@test "unpause --all: internal qubes are left out, sleeping ones resumed" {
	start_world <<-'END'
		> admin.vm.feature.Get+internal sys-net
		< 0\0
		> admin.vm.feature.Get+internal sys-usb
		< 0\01
		> admin.vm.feature.Get+internal vault
		< 2\0QubesFeatureNotFoundError\0\0Feature not set for domain vault: internal\0
		> admin.vm.feature.Get+internal work
		< close
		> admin.vm.CurrentState+ sys-net
		< 0\0mem=1 mem_static_max=1 cputime=1 power_state=Paused
		> admin.vm.CurrentState+ vault
		< 0\0mem=0 mem_static_max=0 cputime=0 power_state=Halted
		> admin.vm.CurrentState+ work
		< 0\0power_state=Suspended mem=1
		> admin.vm.Unpause+ sys-net
		< 0\0
		> admin.vm.Unpause+ vault
		< 2\0QubesVMNotPausedError\0\0Domain is not paused: 'vault'\0
		> admin.vm.Resume+ work
		< 0\0
	END
	expect 1 'qvm-unpause --all' '' $'Error: Failed to unpause/resume: vault: Domain is not paused: \'vault\'\n'
	assert_equal "$(calls | sort)" "\
dom0 admin.vm.List+
sys-net admin.vm.CurrentState+
sys-net admin.vm.Unpause+
sys-net admin.vm.feature.Get+internal
sys-usb admin.vm.feature.Get+internal
vault admin.vm.CurrentState+
vault admin.vm.Unpause+
vault admin.vm.feature.Get+internal
work admin.vm.CurrentState+
work admin.vm.Resume+
work admin.vm.feature.Get+internal"
}

@test "unpause of named qubes: no filter; an unknown state is unpaused; errors" {
	start_world <<-'END'
		> admin.vm.CurrentState+ sys-usb
		< close
		> admin.vm.Unpause+ sys-usb
		< 0\0
		> admin.vm.CurrentState+ work
		< 0\0power_state=Suspended
		> admin.vm.Resume+ work
		< 0\0
		> admin.vm.CurrentState+ vault
		< 2\0QubesException\0\0boom\0
	END
	expect 0 'qvm-unpause sys-usb work' '' ''
	assert_equal "$(calls | sort)" "\
dom0 admin.vm.List+
sys-usb admin.vm.CurrentState+
sys-usb admin.vm.Unpause+
work admin.vm.CurrentState+
work admin.vm.Resume+"
	expect 1 'qvm-unpause vault sys-usb' '' $'Error: Failed to unpause/resume: vault: boom\n'
	refute [ "$(calls | grep -c 'vault admin.vm.Unpause')" -gt 0 ]
}

@test "against the daemon" {
	start_daemon default
	expect 0 'qvm-start --skip-if-running sys-net' '' ''
	expect 0 'qvm-pause sys-net' '' ''
	expect 0 'qvm-check --paused -q sys-net' '' ''
	expect 0 'qvm-unpause sys-net' '' ''
	expect 1 'qvm-check --paused -q sys-net' '' ''
	expect 0 'qvm-pause -S sys-net && qvm-unpause sys-net' '' ''
	expect 0 'qvm-kill sys-net vault' '' ''
	expect 1 'qvm-check -q --running sys-net' '' ''
	expect 1 'qvm-unpause sys-net' '' $'Error: Failed to unpause/resume: sys-net: Domain is not paused: \'sys-net\'\n'
}
