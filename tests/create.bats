#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# qvm-create: each step of tools-config 10.1 and its exit status, the creation calls of 10.2, the clone that a
# StandaloneVM with a template is (11.1), and the import of a root volume.

load lib/common
load lib/appendix
load lib/clone

# creates STATUS OPTIONS STDERR CALLS: nothing on stdout, this on stderr, just these calls.
creates() {
	calls_clear
	expect "$1" "qvm-create $2" '' "${3:+$3$'\n'}" || return 1
	assert_equal "$(calls | tr -d '\0')" "$4"
}

LABELS='dom0 admin.label.List+'

@test "usage errors, in their order" {
	start_appendix </dev/null
	local words want
	while IFS='|' read -r words want; do
		run --separate-stderr qvm-create $words
		assert_equal "$words: $status ${stderr_lines[-1]}" "$words: 2 qvm-create: error: $want"
		assert_equal "${stderr%%:*} [$output]" 'usage []'
	done <<-'END'
		|--label option is mandatory
		--disp|VMNAME is mandatory
		x|--label option is mandatory
		-l red|VMNAME is mandatory
		-l= x|--label option is mandatory
		--prop label= x|--label option is mandatory
		-l red x --prop name=|VMNAME is mandatory
		-p root|Pool argument must be of form: -p volume_name=pool_name
		-p a=b=c|Pool argument must be of form: -p volume_name=pool_name
		--prop netvm|Invalid property token: 'netvm'
		--help-classes --prop x|Invalid property token: 'x'
		-l red -P a -p root=b x|argument --pool/-p: not allowed with argument -P
		-l red -r a -R b x|argument --root-move-from/-R: not allowed with argument --root-copy-from/-r
		-l red --no-root -r a x|argument --root-copy-from/-r: not allowed with argument --no-root
		-l red x -r /nonexistent/file|File pointed by --root-copy-from/--root-move-from does not exist
		-l red x -R /etc/passwd|--root-copy-from/--root-move-from used but this qube does not have own 'root' volume (uses template's one)
		--disp x -r /etc/passwd|--root-copy-from/--root-move-from used but this qube does not have own 'root' volume (uses template's one)
		-l nope x|no such label: 'nope'; available: red, orange, yellow, green, gray, blue, purple, black
		-l 99 x|no such label: '99'; available: red, orange, yellow, green, gray, blue, purple, black
		x y -l red|unrecognized arguments: y
		-l|argument --label/-l: expected one argument
	END
	# Only the two unknown labels asked anything.
	assert_equal "$(calls | sort | uniq -c | sed 's/^ *//')" "$(
		for l in black blue gray green orange purple red yellow; do echo "1 dom0 admin.label.Index+$l"; done
		echo '2 dom0 admin.label.List+'
	)"
}

@test "--help-classes" {
	start_appendix <<-'END'
		> admin.vmclass.List+ dom0
		< 0\0TemplateVM\nAppVM\nDispVM\n
	END
	expect 0 'qvm-create --help-classes' $'AppVM\nDispVM\nTemplateVM\n' ''
	assert_equal "$(calls)" 'dom0 admin.vmclass.List+'
	start_script <<-'END'
		> admin.vmclass.List+ dom0
		< 2\0PermissionDenied\0\0denied\0
	END
	expect 1 'qvm-create --help-classes' '' $'qvm-create: error: denied\n'
}

@test "creation calls: their method, argument and payload" {
	start_appendix <<-'END'
		> admin.vm.Create.AppVM+ dom0 *
		< 0\0
		> admin.vm.Create.AppVM+debian-12 dom0 *
		< 0\0
		> admin.vm.Create.DispVM+ dom0 *
		< 0\0
		> admin.vm.Create.StandaloneVM+ dom0 *
		< 0\0
		> admin.vm.Create.TemplateVM+ dom0 *
		< 0\0
		> admin.vm.CreateInPool.AppVM+debian-12 dom0 *
		< 0\0
		> admin.vm.CreateInPool.AppVM+ dom0 *
		< 0\0
	END
	local words want
	while IFS='|' read -r words want; do
		creates 0 "$words" '' "$LABELS"$'\n'"dom0 admin.vm.$want"
	done <<-'END'
		-l red nn|Create.AppVM+ <- name=nn label=red
		--label=red nn|Create.AppVM+ <- name=nn label=red
		-l=red nn|Create.AppVM+ <- name=nn label=red
		-lred nn|Create.AppVM+ <- name=nn label=red
		--la red nn|Create.AppVM+ <- name=nn label=red
		nn -l red -t debian-12|Create.AppVM+debian-12 <- name=nn label=red
		nn -l red --prop template=debian-12|Create.AppVM+debian-12 <- name=nn label=red
		nn --disp|Create.DispVM+ <- name=nn label=red
		nn --disp -l blue|Create.DispVM+ <- name=nn label=blue
		nn --standalone --disp|Create.StandaloneVM+ <- name=nn label=red
		nn -C TemplateVM -l black|Create.TemplateVM+ <- name=nn label=black
		nn -C TemplateVM --standalone -l black|Create.StandaloneVM+ <- name=nn label=black
		nn -C TemplateVM --disp|Create.DispVM+ <- name=nn label=red
		nn -P fast -t debian-12 -l red|CreateInPool.AppVM+debian-12 <- name=nn label=red pool=fast
		-l red -p root=a -p private=b nn|CreateInPool.AppVM+ <- name=nn label=red pool:private=b pool:root=a
		-l red -p root=a -p private=b -p root=c nn|CreateInPool.AppVM+ <- name=nn label=red pool:private=b pool:root=c
		--prop label=blue -l red nn|Create.AppVM+ <- name=nn label=red
		-l red --prop label=blue nn|Create.AppVM+ <- name=nn label=blue
		nn -l red --prop name=x|Create.AppVM+ <- name=x label=red
		-l red --prop name=x nn|Create.AppVM+ <- name=nn label=red
		-l red --no-root nn|Create.AppVM+ <- name=nn label=red
		-q --force-root -l red nn|Create.AppVM+ <- name=nn label=red
	END
}

@test "a label by number is sent as typed" {
	start_appendix <<-'END'
		> admin.vm.Create.AppVM+ dom0 *
		< 2\0QubesInvalidLabelError\0\0Label must not be a digit\0
	END
	creates 1 '-l 2 nn' 'app: Error creating VM: Label must not be a digit' "$LABELS
dom0 admin.label.Index+red
dom0 admin.label.Index+orange
dom0 admin.vm.Create.AppVM+ <- name=nn label=2"
}

@test "creation refused" {
	start_appendix <<-'END'
		> admin.vm.Create.Nope+ dom0 *
		< 2\0ProtocolError\0\0no such method: 'admin.vm.Create.Nope'\0
		> admin.vm.Create.AppVM+ dom0 *
		< 2\0QubesVMAlreadyExistsError\0\0Qube already exists: work\0
		> admin.vm.Create.TemplateVM+ dom0 *
		< close
		> admin.vm.Create.DispVM+ dom0 *
		< 2\0QubesException\0\0100% full\0
	END
	creates 1 '-l red -C Nope nn' "app: Error creating VM: no such method: 'admin.vm.Create.Nope'" \
		"$LABELS"$'\ndom0 admin.vm.Create.Nope+ <- name=nn label=red'
	creates 1 '-l red work --prop debug=True' 'app: Error creating VM: Qube already exists: work' \
		"$LABELS"$'\ndom0 admin.vm.Create.AppVM+ <- name=work label=red'
	creates 1 '-q -l red work' 'Error creating VM: Qube already exists: work' \
		"$LABELS"$'\ndom0 admin.vm.Create.AppVM+ <- name=work label=red'
	expect 1 'qvm-create -l red -C TemplateVM nn' '' \
		$'app: Error creating VM: Got empty response from qubesd. See journalctl in dom0 for details.\n'
	expect 1 'qvm-create --disp nn' '' $'app: Error creating VM: 100% full\n'
}

@test "nothing adds a field to the payload" {
	start_appendix </dev/null
	creates 1 "-l red 'a b'" 'qvm-create: error: Qube name could not contain space: a b' "$LABELS"
	creates 1 "-l red \$'a\\nb'" $'qvm-create: error: Qube name could not contain newline: a\nb' "$LABELS"
	creates 1 "-l red x -P 'a b'" 'qvm-create: error: Pool name could not contain space: a b' ''
	creates 1 "-l red x -p 'root=a b'" 'qvm-create: error: Pool argument could not contain space: root=a b' ''
	run -2 qvm-create -l 'red pool=x' nn
	run -1 qvm-create -l red nn -t 'a b'
	assert_output "app: Error creating VM: invalid character in 'a b'"
	refute [ "$(calls | grep -c Create)" -gt 0 ]
}

@test "further properties: in order of first mention, as typed, and failures" {
	start_appendix <<-'END'
		> admin.vm.Create.AppVM+ dom0 *
		< 0\0
		> admin.vm.property.Set+netvm nn *
		< 0\0
		> admin.vm.property.Set+kernelopts nn *
		< 0\0
		> admin.vm.property.Set+memory nn *
		< 2\0QubesValueError\0\0too much\0
		> admin.vm.property.Set+maxmem nn *
		< close
	END
	creates 0 "nn --prop netvm=a --prop 'kernelopts=-x y=z ' -l red --property=netvm=" '' "$LABELS
dom0 admin.vm.Create.AppVM+ <- name=nn label=red
nn admin.vm.property.Set+netvm
nn admin.vm.property.Set+kernelopts <- -x y=z "
	creates 2 'nn -l red --prop memory=9 --prop maxmem=1 --prop netvm=x' "\
app: Error setting property memory (but VM created): too much
app: Error setting property maxmem (but VM created): Failed to access 'maxmem' property" "$LABELS
dom0 admin.vm.Create.AppVM+ <- name=nn label=red
nn admin.vm.property.Set+memory <- 9
nn admin.vm.property.Set+maxmem <- 1
nn admin.vm.property.Set+netvm <- x"
}

@test "root volume: size, bytes, -R deletes the file; a failure keeps it and is 3" {
	printf 'abc\0def\n' >"$BATS_TEST_TMPDIR/img"
	local img=$BATS_TEST_TMPDIR/img create=$'dom0 admin.vm.Create.TemplateVM+ <- name=nn label=red'
	local import='nn admin.vm.volume.ImportWithSize+root <- 8\nabc\0def\n'
	start_appendix <<-'END'
		> admin.vm.Create.TemplateVM+ dom0 *
		< 0\0
		> admin.vm.property.Set+memory nn *
		< 2\0QubesValueError\0\0too much\0
		> admin.vm.volume.ImportWithSize+root nn *
		< 2\0QubesException\0\0Data import failed: too much data (expected 8 bytes)\0
		> admin.vm.volume.ImportWithSize+root nn *
		< 2\0QubesException\0\0boom\0
		> admin.vm.volume.ImportWithSize+root nn *
		< 0\0
	END
	creates 3 "-C TemplateVM -l red nn -R $img" \
		'app: Error importing root volume (but VM created): Data import failed: too much data (expected 8 bytes)' \
		"$LABELS"$'\n'"$create"$'\n'"$import"
	assert [ -e "$img" ]
	expect 3 "qvm-create -C TemplateVM -l red nn -r $img --prop memory=1" '' $'app: Error setting property memory (but VM created): too much\napp: Error importing root volume (but VM created): boom\n'
	creates 0 "-C TemplateVM -l red nn --root-copy-from $img" '' "$LABELS"$'\n'"$create"$'\n'"$import"
	assert [ -e "$img" ]
	creates 0 "-C TemplateVM -l red nn --root-move-from $img" '' "$LABELS"$'\n'"$create"$'\n'"$import"
	refute [ -e "$img" ]
	mkdir "$img"
	expect 3 "qvm-create -C TemplateVM -l red nn -r $img" '' $'app: Error importing root volume (but VM created): Is a directory\n'
}

@test "root volume: streamed through qrexec, exit status and stderr count" {
	local d=$BATS_TEST_TMPDIR
	head -c 300000 /dev/zero >"$d/img"
	cat >"$d/client" <<-'END'
		#!/bin/bash
		echo "$*" >>"$LOG"
		case $2 in
		admin.label.List) printf '0\0red\n' ;;
		admin.vm.Create.TemplateVM) cat >>"$LOG"; echo >>"$LOG"; printf '0\0' ;;
		*) [[ -z ${REFUSE-} ]] || { echo 'Request refused' >&2; exit 126; }
		   wc -c >>"$LOG"; printf '0\0' ;;
		esac
	END
	chmod +x "$d/client"
	export LOG=$d/log QVM_QREXEC_CLIENT_VM=$d/client QVM_ENDPOINT=qrexec:
	expect 0 "qvm-create -C TemplateVM -l red nn -r $d/img" '' ''
	assert_equal "$(<"$LOG")" "dom0 admin.label.List
dom0 admin.vm.Create.TemplateVM
name=nn label=red
nn admin.vm.volume.ImportWithSize+root
300007"
	# Refused while the data is still being written: no SIGPIPE, the reason is told.
	REFUSE=1 expect 3 "qvm-create -C TemplateVM -l red nn -r $d/img" '' \
		$'app: Error importing root volume (but VM created): Service call error: Request refused\n'
}

@test "root volume: a big file through the socket" {
	head -c 200000 /dev/zero | tr '\0' x >"$BATS_TEST_TMPDIR/img"
	start_appendix <<-'END'
		> admin.vm.Create.TemplateVM+ dom0 *
		< 0\0
		> admin.vm.volume.ImportWithSize+root nn *
		< 0\0
	END
	local head='nn admin.vm.volume.ImportWithSize+root <- 200000\n'
	expect 0 "qvm-create -C TemplateVM -l red nn -r $BATS_TEST_TMPDIR/img --calls" '' "\
admin.label.List dom0 - 0
admin.vm.Create.TemplateVM dom0 - 17
admin.vm.volume.ImportWithSize nn root 7
"
	assert_equal "$(calls | tail -1 | wc -c)" $((${#head} + 200000 + 1))
}

@test "StandaloneVM with a template: a clone" {
	start_appendix < <(clone_script)
	expect 0 'PATH=$BIN qvm-create --standalone -t debian-12 -l red nn --prop debug=True' '' $'nn: Cloning root volume\n'
	assert_equal "$(changes)" "dom0 admin.vm.Create.StandaloneVM+ <- name=nn label=black
nn admin.vm.property.Set+memory <- 500
nn admin.vm.property.Set+vcpus <- 2
nn admin.vm.property.Set+kernelopts <- a\\\\b\\nc
nn admin.vm.property.Set+netvm
nn admin.vm.property.Set+audiovm <- nope
nn admin.vm.tag.Set+t1
nn admin.vm.tag.Set+t2
nn admin.vm.feature.Set+f <- 1
nn admin.vm.feature.Set+preload-dispvm-max <- 3
nn admin.vm.feature.Set+empty
nn admin.vm.notes.Set+ <- a note\\n
nn admin.vm.firewall.Set+ <- action=accept\\n
debian-12 admin.vm.volume.CloneFrom+root
nn admin.vm.volume.CloneTo+root <- token0
nn admin.vm.device.block.Assign+sys-usb+sda+_ <- device_id='*' port_id='sda' devclass='block' backend_domain='sys-usb' mode='required' frontend_domain='nn' _read-only='yes' _x='it\\\\'s'
nn admin.vm.device.pci.Assign+dom0+_+0x8086+0x4621++p060000 <- device_id='0x8086:0x4621::p060000' port_id='*' devclass='pci' backend_domain='dom0' mode='required' frontend_domain='nn'
nn admin.vm.property.Set+label <- red
nn admin.vm.property.Set+debug <- True"
	calls_clear
	expect 0 'PATH=$BIN qvm-create -q -C StandaloneVM -t debian-12 -l red -P fast nn' '' ''
	assert_equal "$(changes | head -1)" 'dom0 admin.vm.CreateInPool.StandaloneVM+ <- name=nn label=black pool=fast'
}

@test "StandaloneVM: a step that fails removes the qube" {
	local rule log
	while IFS='|' read -r rule log; do
		clone_changed < <(printf '> %s *\n< 2\\0QubesException\\0\\0boom\\0\n' "$rule")
		run --separate-stderr env PATH="$BIN" "$BIN/qvm-create" --standalone -t debian-12 -l red nn
		assert_equal "$rule: $status $stderr" "$rule: 1 ${log:+$log$'\n'}app: Error creating VM: boom"
		assert_equal "$(changes | tail -1)" 'nn admin.vm.Remove+'
		stop_script
	done <<-'END'
		admin.vm.property.Set+memory nn|nn: Failed to set memory property: boom
		admin.vm.tag.Set+t2 nn|nn: Failed to add t2 tag: boom
		admin.vm.feature.Set+empty nn|nn: Failed to set empty feature: boom
		admin.vm.notes.Set+ nn|nn: Failed to clone qube notes: boom
		admin.vm.firewall.Set+ nn|app: Failed to set firewall: boom
		admin.vm.volume.CloneTo+root nn|nn: Cloning root volume
		admin.vm.device.block.Assign+sys-usb+sda+_ nn|nn: Cloning root volume
	END
}

@test "StandaloneVM: nothing to undo when the creation fails or the template is missing" {
	clone_changed <<-'END'
		> admin.vm.Create.StandaloneVM+ dom0 *
		< 2\0QubesException\0\0boom\0
		> admin.vm.property.GetAll+ x
		< 2\0QubesVMNotFoundError\0\0No such domain: 'x'\0
	END
	expect 1 'qvm-create --standalone -t debian-12 -l red nn' '' $'app: Error creating VM: boom\n'
	expect 1 'qvm-create --standalone -t x -l red nn' '' $'app: Error creating VM: no such domain: \'x\'\n'
	assert_equal "$(changes)" 'dom0 admin.vm.Create.StandaloneVM+ <- name=nn label=black'
}

@test "StandaloneVM: the requested label failing does not remove it" {
	clone_changed <<-'END'
		> admin.vm.property.Set+label nn *
		< 2\0QubesException\0\0boom\0
	END
	expect 2 'PATH=$BIN qvm-create -q --standalone -t debian-12 -l red nn' '' \
		$'Error setting property label (but VM created): boom\n'
	refute [ "$(calls | grep -c Remove)" -gt 0 ]
}

@test "StandaloneVM: qvm-appmenus, when there is one" {
	local d=$BATS_TEST_TMPDIR
	start_appendix < <(clone_script)
	mkdir "$d/bin"
	cat >"$d/bin/runuser" <<-'END'
		#!/bin/bash
		echo "runuser $1 $3" >>"$LOG"
		shift 3
		exec "$@"
	END
	cat >"$d/bin/qvm-appmenus" <<-'END'
		#!/bin/bash
		echo "$*" >>"$LOG"
		echo some text
		exit "$FAIL"
	END
	chmod +x "$d"/bin/*
	export LOG=$d/log
	if [[ $(id -u) != 0 ]] || getent group qubes | grep -q '[^:]$'; then
		FAIL=0 expect 0 'PATH=$BATS_TEST_TMPDIR/bin:$PATH qvm-create --standalone -t debian-12 -l red nn' ''
		assert_equal "$(grep -v runuser "$LOG")" '--init --update --source debian-12 nn'
		FAIL=1 expect 1 'PATH=$BATS_TEST_TMPDIR/bin:$PATH qvm-create --standalone -t debian-12 -l red nn' '' \
			$'app: Failed to clone appmenus: some text\napp: Error creating VM: Failed to clone appmenus\n'
	else
		expect 1 'PATH=$BATS_TEST_TMPDIR/bin:$PATH qvm-create --standalone -t debian-12 -l red nn' '' \
			$'app: Failed to clone appmenus: Failed to find local user account\napp: Error creating VM: Failed to clone appmenus\n'
	fi
	assert_equal "$(changes | tail -1)" 'nn admin.vm.Remove+'
}

@test "against the daemon" {
	start_daemon default
	expect 0 'qvm-create --label red --class AppVM x' '' ''
	expect 0 'qvm-prefs x label' $'red\n' ''
	expect 1 'qvm-create --label red x' '' $'app: Error creating VM: Qube already exists: x\n'
	expect 2 'qvm-create --label blue y --prop nope=1 --prop memory=500' '' \
		$'app: Error setting property nope (but VM created): Invalid property \'nope\' of y\n'
	expect 0 'qvm-prefs y memory' $'500\n' ''
	expect 0 'qvm-create --help-classes' $'AdminVM\nAppVM\nDispVM\nRemoteVM\nStandaloneVM\nTemplateVM\n' ''
	expect 0 'qvm-create --standalone -l green z; qvm-prefs z klass' $'StandaloneVM\n' ''
	expect 1 'qvm-create -C Nope -l red n' '' $'app: Error creating VM: no such method: \'admin.vm.Create.Nope\'\n'
	expect 1 'qvm-create -l 1 n' '' $'app: Error creating VM: Label must not be a digit\n'
}
