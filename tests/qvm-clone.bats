#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# qvm-clone: each step of tools-config 11.1, what a failure undoes, and what --ignore-errors forgives.

load lib/common
load lib/appendix
load lib/clone

# source_script: the clone script with all its rules for a new TemplateVM, AppVM or in other pools.
source_script() {
	cat
	cat <<-'END'
		> admin.vm.Create.TemplateVM+ dom0 *
		< 0\0
		> admin.vm.CreateInPool.TemplateVM+ dom0 *
		< 0\0
		> admin.vm.Create.AppVM+ dom0 *
		< 0\0
		> admin.vm.volume.CloneFrom+private debian-12
		< 0\0token1
		> admin.vm.volume.CloneTo+private nn *
		< 0\0
		> admin.vm.property.GetAll+ debian-12
	END
	clone_script | sed -n '2{s/label default/klass default=True type=str TemplateVM\\ntemplate default=True type=vm \\nlabel default/;p}'
}
start_source() { clone_changed < <(source_script); }

# refused STATUS ARGUMENTS MESSAGE: nothing on stdout, the last line of stderr.
refused() {
	run --separate-stderr bash -c "PATH=$BIN exec qvm-clone $2"
	assert_equal "$2: $status $output" "$2: $1 "
	assert_equal "${stderr##*$'\n'}" "$3"
}

COPIED='nn admin.vm.property.Set+memory <- 500
nn admin.vm.property.Set+vcpus <- 2
nn admin.vm.property.Set+kernelopts <- a\\b\nc
nn admin.vm.property.Set+netvm
nn admin.vm.property.Set+audiovm <- nope
nn admin.vm.tag.Set+t1
nn admin.vm.tag.Set+t2
nn admin.vm.feature.Set+f <- 1
nn admin.vm.feature.Set+preload-dispvm-max <- 3
nn admin.vm.feature.Set+empty
nn admin.vm.notes.Set+ <- a note\n
nn admin.vm.firewall.Set+ <- action=accept\n
debian-12 admin.vm.volume.CloneFrom+private
nn admin.vm.volume.CloneTo+private <- token1
debian-12 admin.vm.volume.CloneFrom+root
nn admin.vm.volume.CloneTo+root <- token0'

@test "everything is copied" {
	start_source </dev/null
	expect 0 'PATH=$BIN qvm-clone debian-12 nn' '' $'nn: Cloning private volume\nnn: Cloning root volume\n'
	assert_equal "$(changes | grep -v device)" "dom0 admin.vm.Create.TemplateVM+ <- name=nn label=black
$COPIED"
	assert_equal "$(changes | grep -c 'device.*Assign')" 2
	# Each thing is read once.
	assert_equal "$(calls | grep -E '\.(List|Get|GetAll|Info|Assigned)\+' | sort | uniq -d)" ''
	calls_clear
	expect 0 'PATH=$BIN qvm-clone -q debian-12 nn' '' ''
}

@test "class, pools, a pattern as source" {
	start_source </dev/null
	local words want
	while IFS='|' read -r words want; do
		calls_clear
		bash -c "PATH=$BIN exec qvm-clone -q $words" || true
		assert_equal "$words: $(changes | head -n 1)" "$words: dom0 admin.vm.$want"
	done <<-'END'
		debian-12 nn|Create.TemplateVM+ <- name=nn label=black
		--class StandaloneVM debian-12 nn|Create.StandaloneVM+ <- name=nn label=black
		-C AppVM debian-12 nn|Create.AppVM+ <- name=nn label=black
		debian-12 nn -P fast|CreateInPool.TemplateVM+ <- name=nn label=black pool=fast
		-p root=a --pool private=b debian-12 nn|CreateInPool.TemplateVM+ <- name=nn label=black pool:private=b pool:root=a
		'deb*' nn|Create.TemplateVM+ <- name=nn label=black
	END
}

@test "a template-based source: its template, but not for a class that has none" {
	start_appendix <<-'END'
		> admin.vm.Create.AppVM+debian-12 dom0 *
		< 2\0QubesException\0\0stop here\0
		> admin.vm.Create.StandaloneVM+ dom0 *
		< 2\0QubesException\0\0stop here\0
	END
	refused 1 'work nn' 'qvm-clone: error: stop here'
	refused 1 '-C StandaloneVM work nn' 'qvm-clone: error: stop here'
	assert_equal "$(changes)" "dom0 admin.vm.Create.AppVM+debian-12 <- name=nn label=blue
dom0 admin.vm.Create.StandaloneVM+ <- name=nn label=blue"
}

@test "a step that fails removes the new qube, with --ignore-errors only one about data" {
	local rule log ignored
	while IFS='|' read -r rule log ignored; do
		start_source < <(printf '> %s *\n< 2\\0QubesException\\0\\0boom\\0\n' "$rule")
		run --separate-stderr env PATH="$BIN" "$BIN/qvm-clone" debian-12 nn
		assert_equal "$rule: $status $(grep -v Cloning <<<"$stderr")" "$rule: 1 ${log:+$log$'\n'}qvm-clone: error: boom"
		assert_equal "$(changes | tail -1)" 'nn admin.vm.Remove+'
		calls_clear
		run --separate-stderr env PATH="$BIN" "$BIN/qvm-clone" --ignore-errors debian-12 nn
		assert_equal "$rule: $status $(grep -v Cloning <<<"$stderr")" "$rule: $ignored"
		assert_equal "$rule: $(changes | grep -c Remove)" "$rule: ${ignored%% *}"
		stop_script
	done <<-'END'
		admin.vm.property.Set+memory nn|nn: Failed to set memory property: boom|0 nn: Failed to set memory property: boom
		admin.vm.tag.Set+t2 nn|nn: Failed to add t2 tag: boom|0 nn: Failed to add t2 tag: boom
		admin.vm.feature.Set+empty nn|nn: Failed to set empty feature: boom|0 nn: Failed to set empty feature: boom
		admin.vm.notes.Set+ nn|nn: Failed to clone qube notes: boom|0 nn: Failed to clone qube notes: boom
		admin.vm.firewall.Set+ nn|app: Failed to set firewall: boom|0 app: Failed to set firewall: boom
		admin.vm.volume.CloneTo+root nn||1 qvm-clone: error: boom
		admin.vm.device.block.Assign+sys-usb+sda+_ nn||0 
	END
}

@test "wrong usage; nothing is created" {
	start_source <<-'END'
		> admin.vm.Create.TemplateVM+ dom0 *
		< 2\0QubesVMAlreadyExistsError\0\0Qube already exists: nn\0
	END
	refused 2 '' 'qvm-clone: error: the following arguments are required: VMNAME, NEWVM'
	refused 2 'nope nn' "qvm-clone: error: no such domain: 'nope'"
	refused 2 "'zz*' nn" "qvm-clone: error: no such domain: 'zz*'"
	refused 2 "'sys*' nn" "qvm-clone: error: 'sys*' matches more than one domain"
	refused 2 '-P a -p root=b debian-12 nn' 'qvm-clone: error: argument -p/--pool: not allowed with argument -P'
	refused 2 '-p root debian-12 nn' \
		'qvm-clone: error: Pool argument must be of form: -p volume_name=pool_name'
	refused 1 "debian-12 'n n'" 'qvm-clone: error: Qube name could not contain space: n n'
	refused 1 "debian-12 ''" 'qvm-clone: error: Qube name could not be empty'
	refused 1 "-P 'a b' debian-12 nn" 'qvm-clone: error: Pool name could not contain space: a b'
	assert_equal "$(changes)" ''
	refused 1 'debian-12 nn' 'qvm-clone: error: Qube already exists: nn'
	assert_equal "$(changes)" 'dom0 admin.vm.Create.TemplateVM+ <- name=nn label=black'
}
