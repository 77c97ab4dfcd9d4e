#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# qvm-start: tools-runtime 2, with drives and loop devices, and the vectors of its chapter 14.

load lib/common

# World A of tools-runtime 14 (with its qubes' states), the rules of stdin behind.
start_world() {
	local q
	start_script < <(
		cat
		printf '%s\n' '> admin.vm.List+ dom0' \
			'< 0\0dom0 class=AdminVM state=Running\nsys-net class=AppVM state=Running\nsys-usb class=AppVM state=Running\nvault class=AppVM state=Halted\nwork class=AppVM state=Running\n'
		for q in dom0 sys-net sys-usb work; do
			printf '> admin.vm.CurrentState+ %s\n< 0\\0mem=1 power_state=Running\n' $q
		done
		printf '> admin.vm.CurrentState+ vault\n< 0\\0mem=0 power_state=Halted\n'
	)
}
log() { calls | tr -d '\0'; }
FAILED='Error: Starting qube failed: '

@test "usage errors" {
	start_world </dev/null
	local words want
	while IFS='|' read -r words want; do
		run --separate-stderr qvm-start $words
		assert_equal "$words: $status ${stderr_lines[-1]}" "$words: 2 qvm-start: error: $want"
		assert_equal "${stderr%%:*} [$output]" 'usage []'
	done <<-'END'
		|one of the arguments --all VMNAME is required
		nosuch|no such domain: 'nosuch'
		--all work|argument VMNAME: not allowed with argument --all
		--exclude vault work|--exclude can only be used with --all
		vault --drive x --cdrom y|argument --cdrom: not allowed with argument --drive
		vault --hddisk x --install-windows-tools|argument --install-windows-tools: not allowed with argument --hddisk
		vault --drive|argument --drive: expected one argument
	END
	expect 0 "qvm-start 'zz*'" '' ''
	assert_equal "$(log | sort -u)" 'dom0 admin.vm.List+'
}

@test "the list cannot be had" {
	start_script <<-'END'
		> admin.vm.List+ dom0
		< 2\0QubesException\0\0boom\0
	END
	expect 1 'qvm-start work' '' $'Error: boom\n'
}

@test "running qubes fail, or are skipped; dom0 runs always" {
	start_world <<-'END'
		> admin.vm.Start+ vault
		< 0\0
	END
	expect 1 'qvm-start work vault sys-net' '' \
		"${FAILED}work: Domain is already running"$'\n'"${FAILED}sys-net: Domain is already running"$'\n'
	assert_equal "$(log | sort)" "\
dom0 admin.vm.List+
sys-net admin.vm.CurrentState+
vault admin.vm.CurrentState+
vault admin.vm.Start+
work admin.vm.CurrentState+"
	expect 1 'qvm-start dom0' '' "${FAILED}dom0: Domain is already running"$'\n'
	calls_clear
	expect 0 'qvm-start vault' '' ''
	expect 0 'qvm-start --skip-if-running work' '' ''
	expect 0 'qvm-start --skip --where name=vault' '' ''
	assert_equal "$(log | grep -c Start)" 2
	expect 1 'qvm-start --all --exclude sys-net --exclude sys-usb' '' "${FAILED}work: Domain is already running"$'\n'
}

@test "failures, in argument order; a refused state counts as not running" {
	start_script <<-'END'
		> admin.vm.List+ dom0
		< 0\0a class=AppVM state=Halted\nb class=AppVM state=Halted\nc class=AppVM state=Halted\nd class=AppVM state=Halted\n
		> admin.vm.CurrentState+ a
		< 0\0power_state=Halted
		> admin.vm.CurrentState+ b
		< close
		> admin.vm.CurrentState+ c
		< 2\0QubesException\0\0no state\0
		> admin.vm.CurrentState+ d
		< 0\0power_state=Halted
		> admin.vm.Start+ a
		delay 30
		< 2\0QubesException\0\0Start failed: 100% full\0
		> admin.vm.Start+ b
		< 0\0
		> admin.vm.Start+ d
		< close
	END
	expect 1 'qvm-start d a c b' '' "\
${FAILED}d: Got empty response from qubesd. See journalctl in dom0 for details.
${FAILED}a: Start failed: 100% full
${FAILED}c: no state
"
}

# assign TYPE READONLY [BACKEND PORT]: the payload.
assign() {
	echo "device_id='*' port_id='${4-sr0}' devclass='block' backend_domain='${3-sys-usb}' mode='required' frontend_domain='vault' _devtype='$1' _read-only='$2'"
}

@test "a drive: assigned, started, unassigned" {
	start_world <<-'END'
		> admin.vm.device.block.Assign+sys-usb+sr0+_ vault *
		< 0\0
		> admin.vm.Start+ vault
		< 0\0
		> admin.vm.device.block.Unassign+sys-usb+sr0+_ vault
		< 0\0
	END
	local words type
	while IFS='|' read -r words type; do
		calls_clear
		expect 0 "qvm-start vault $words" '' ''
		assert_equal "$(log)" "\
dom0 admin.vm.List+
vault admin.vm.CurrentState+
vault admin.vm.device.block.Assign+sys-usb+sr0+_ <- $(assign $type)
vault admin.vm.Start+
vault admin.vm.device.block.Unassign+sys-usb+sr0+_"
	done <<-'END'
		--drive sys-usb:sr0|cdrom True
		--drive=cdrom:sys-usb:sr0|cdrom True
		--drive hd:sys-usb:sr0|disk False
		--cdrom=sys-usb:sr0|cdrom True
		--hddisk sys-usb:sr0|disk False
		--hd=sys-usb:sr0|disk False
	END
}

@test "a drive: the start fails" {
	start_world <<-'END'
		> admin.vm.device.block.Assign+sys-usb+sr0+_ vault *
		< 0\0
		> admin.vm.Start+ vault
		< 2\0QubesException\0\0Start vault failed: boom\0
		> admin.vm.device.block.Detach+sys-usb+sr0+_ vault
		< 2\0DeviceNotAssigned\0\0'x'\0
		> admin.vm.device.block.Unassign+sys-usb+sr0+_ vault
		< 2\0QubesException\0\0no\0
	END
	expect 1 'qvm-start vault --cdrom=sys-usb:sr0' '' "${FAILED}vault: Start vault failed: boom"$'\n'
	assert_equal "$(log)" "\
dom0 admin.vm.List+
vault admin.vm.CurrentState+
vault admin.vm.device.block.Assign+sys-usb+sr0+_ <- $(assign cdrom True)
vault admin.vm.Start+
vault admin.vm.device.block.Detach+sys-usb+sr0+_
vault admin.vm.device.block.Unassign+sys-usb+sr0+_"
}

@test "a drive: assigning or unassigning fails" {
	start_world <<-'END'
		> admin.vm.device.block.Assign+sys-usb+sr0+_ vault *
		< 2\0DeviceAlreadyAssigned\0\0'block device sr0 already assigned to vault'\0
		> admin.vm.device.block.Assign+sys-usb+sr0+_ vault *
		< 0\0
		> admin.vm.Start+ vault
		< 0\0
		> admin.vm.device.block.Unassign+sys-usb+sr0+_ vault
		< 2\0QubesException\0\0no\0
		> admin.vm.device.block.Detach+sys-usb+sr0+_ vault
		< 0\0
	END
	expect 1 'qvm-start vault --cdrom=sys-usb:sr0' '' \
		"${FAILED}vault: block device sr0 already assigned to vault"$'\n'
	refute [ "$(log | grep -c 'Start\|Detach\|Unassign')" -gt 0 ]
	calls_clear
	expect 1 'qvm-start vault --cdrom=sys-usb:sr0' '' "${FAILED}vault: no"$'\n'
	assert_equal "$(log | tail -2)" "\
vault admin.vm.device.block.Unassign+sys-usb+sr0+_
vault admin.vm.device.block.Detach+sys-usb+sr0+_"
}

@test "a drive that cannot be found; running qubes keep their own error" {
	start_world </dev/null
	local words want
	while IFS='|' read -r words want; do
		expect 1 "qvm-start vault work $words" '' \
			"${FAILED}vault: $want"$'\n'"${FAILED}work: Domain is already running"$'\n'
	done <<-'END'
		--drive nocolon|Incorrect image name: image must be in the format of VMNAME:full_path, for example dom0:/home/user/test.iso
		--drive hd:nocolon|Incorrect image name: image must be in the format of VMNAME:full_path, for example dom0:/home/user/test.iso
		--cdrom nosuch:sr0|No such VM: nosuch
		--hddisk nosuch:/x|No such VM: nosuch
	END
	# The drive is not even looked at when nothing is to be started.
	expect 1 'qvm-start work --drive nocolon' '' "${FAILED}work: Domain is already running"$'\n'
}

# Stand-ins for sudo and qrexec-client: they log their arguments and print $ANSWER.
stand_ins() {
	local d=$BATS_TEST_TMPDIR/bin p
	mkdir "$d"
	for p in sudo qrexec-client; do
		cat >"$d/$p" <<-'END'
			#!/bin/bash
			echo "${0##*/} $(printf '[%q]' "$@")" >>"$LOG"
			echo "$ANSWER"
			exit "${STATUS:-0}"
		END
		chmod +x "$d/$p"
	done
	export LOG=$BATS_TEST_TMPDIR/log PATH=$d:$PATH QVM_QREXEC_CLIENT=$d/qrexec-client
}

@test "a file of dom0: losetup through sudo" {
	stand_ins
	start_world <<-'END'
		> admin.vm.device.block.Available+ dom0
		< 0\0loop7:dev device_id='dev' port_id='loop7' devclass='block' backend_domain='dom0'\nsda:x y\n
		> admin.vm.device.block.Assign+dom0+loop7+_ vault *
		< 0\0
		> admin.vm.Start+ vault
		< 0\0
		> admin.vm.device.block.Unassign+dom0+loop7+_ vault
		< 0\0
	END
	export ANSWER=/dev/loop7
	expect 0 'qvm-start vault --cdrom "dom0:/tmp/a b.iso"' '' ''
	expect 0 'qvm-start vault --install-windows-tools' '' ''
	assert_equal "$(<"$LOG")" 'sudo [losetup][-f][--show][/tmp/a\ b.iso]
sudo [losetup][-f][--show][/usr/lib/qubes/qubes-windows-tools.iso]'
	assert_equal "$(log | head -6)" "\
dom0 admin.vm.List+
vault admin.vm.CurrentState+
dom0 admin.vm.device.block.Available+
vault admin.vm.device.block.Assign+dom0+loop7+_ <- $(assign cdrom True dom0 loop7)
vault admin.vm.Start+
vault admin.vm.device.block.Unassign+dom0+loop7+_"
	STATUS=1 expect 1 'qvm-start vault --cdrom dom0:/x' '' "${FAILED}vault: Failed to setup loop device for /x"$'\n'
	ANSWER=/dev/sda expect 1 'qvm-start vault --cdrom dom0:/x' '' "${FAILED}vault: Failed to setup loop device for /x"$'\n'
}

@test "a file of another qube: losetup as root in it, by its features" {
	stand_ins
	export ANSWER=/dev/loop0
	local rest='
		> admin.vm.Start+ sys-usb
		< 2\0QubesVMNotHaltedError\0\0up\0
		> admin.vm.device.block.Available+ sys-usb
		< 0\0loop0::None x\n
		> admin.vm.device.block.Assign+sys-usb+loop0+_ vault *
		< 0\0
		> admin.vm.Start+ vault
		< 0\0
		> admin.vm.device.block.Unassign+sys-usb+loop0+_ vault
		< 0\0'
	local none='2\0QubesFeatureNotFoundError\0\0none\0' vmexec rootexec os argv
	while IFS='|' read -r vmexec rootexec os argv; do
		start_world < <(
			sed 's/^\t*//' <<<"$rest"
			printf '> admin.vm.feature.CheckWithTemplate+%s sys-usb\n< %s\n' vmexec "${vmexec:-$none}" \
				supported-rpc.qubes.VMRootExec "${rootexec:-$none}" os "${os:-$none}"
		)
		: >"$LOG"
		expect 0 'qvm-start vault --hddisk sys-usb:/a-b.img' '' ''
		assert_equal "$(<"$LOG")" "qrexec-client [-d][sys-usb]$argv"
		stop_script
	done <<-'END'
		0\01|0\01||[DEFAULT:QUBESRPC\ qubes.VMRootExec+losetup+--f+----show+-2Fa--b.img\ dom0]
		0\01|||[root:QUBESRPC\ qubes.VMExec+losetup+--f+----show+-2Fa--b.img\ dom0]
		|||[-p][$'losetup -f --show /a-b.img; exit\n'][root:QUBESRPC\ qubes.VMShell+\ dom0]
		0\0||0\0Windows|[-p][$'losetup -f --show /a-b.img& exit\n'][root:QUBESRPC\ qubes.VMShell+\ dom0]
	END
}

@test "another qube: quoting, odd answers, failures" {
	stand_ins
	start_world <<-'END'
		> admin.vm.feature.CheckWithTemplate+vmexec sys-usb
		< 2\0QubesFeatureNotFoundError\0\0none\0
		> admin.vm.feature.CheckWithTemplate+os sys-usb
		< 2\0QubesFeatureNotFoundError\0\0none\0
		> admin.vm.Start+ sys-usb
		< 0\0
		> admin.vm.feature.CheckWithTemplate+vmexec sys-net
		< 2\0QubesException\0\0boom\0
	END
	ANSWER='/dev/loop0;rm' expect 1 "qvm-start vault --cdrom \"sys-usb:/it's\"" '' \
		"${FAILED}vault: Invalid loop device name received from sys-usb"$'\n'
	assert_equal "$(<"$LOG")" \
		"qrexec-client [-d][sys-usb][-p][\$'losetup -f --show \\'/it\\'\"\\'\"\\'s\\'; exit\\n'][root:QUBESRPC\\ qubes.VMShell+\\ dom0]"
	ANSWER=/dev/sda expect 1 'qvm-start vault --cdrom sys-usb:/x' '' "${FAILED}vault: Failed to setup loop device for /x"$'\n'
	ANSWER=/dev/loop0 STATUS=126 expect 1 'qvm-start vault --cdrom sys-usb:/x' '' \
		"${FAILED}vault: Failed to setup loop device for /x"$'\n'
	expect 1 'qvm-start vault --cdrom sys-net:/x' '' "${FAILED}vault: boom"$'\n'
}

@test "the loop device does not appear" {
	stand_ins
	start_world <<-'END'
		> admin.vm.device.block.Available+ dom0
		< 0\0sda:x y\nloop70:x y\n
	END
	ANSWER=/dev/loop7 expect 1 'qvm-start vault --cdrom dom0:/x' '' \
		"${FAILED}vault: Timeout waiting for dom0:loop7 device to appear"$'\n'
	assert_equal "$(log | grep -c Available)" 10
}

@test "a file from outside of dom0 is refused" {
	cat >"$BATS_TEST_TMPDIR/client" <<-'END'
		#!/bin/bash
		case $2 in
		admin.vm.List) printf '0\0dom0 class=AdminVM state=Running\nvault class=AppVM state=Halted\n' ;;
		*) printf '0\0power_state=Halted' ;;
		esac
	END
	chmod +x "$BATS_TEST_TMPDIR/client"
	export QVM_ENDPOINT=qrexec: QVM_QREXEC_CLIENT_VM=$BATS_TEST_TMPDIR/client
	expect 1 'qvm-start vault --cdrom dom0:/x' '' \
		"${FAILED}vault: Existing block device identifier needed when running from outside of dom0 (see qvm-block)"$'\n'
}

@test "several qubes get the same drive" {
	start_script < <(
		printf '%s\n' '> admin.vm.List+ dom0' \
			'< 0\0a class=AppVM state=Halted\nb class=AppVM state=Halted\nsys-usb class=AppVM state=Running\n'
		for q in a b; do
			printf '> %s\n< 0\\0\n' "admin.vm.CurrentState+ $q" \
				"admin.vm.device.block.Assign+sys-usb+sr0+_ $q *" "admin.vm.Start+ $q" \
				"admin.vm.device.block.Unassign+sys-usb+sr0+_ $q"
		done
	)
	expect 0 'qvm-start b a --cdrom sys-usb:sr0' '' ''
	assert_equal "$(log | sed 's/ <-.*//' | sort)" "\
a admin.vm.CurrentState+
a admin.vm.Start+
a admin.vm.device.block.Assign+sys-usb+sr0+_
a admin.vm.device.block.Unassign+sys-usb+sr0+_
b admin.vm.CurrentState+
b admin.vm.Start+
b admin.vm.device.block.Assign+sys-usb+sr0+_
b admin.vm.device.block.Unassign+sys-usb+sr0+_
dom0 admin.vm.List+"
}

@test "against the daemon" {
	start_daemon default
	expect 0 'qvm-start vault' '' ''
	expect 1 'qvm-start vault' '' "${FAILED}vault: Domain is already running"$'\n'
	expect 0 'qvm-check -q --running vault' '' ''
}

@test "against the daemon: drives" {
	start_daemon default
	expect 0 'qvm-start vault --hddisk sys-usb:sda && qvm-start personal --cdrom sys-usb:sdb' '' ''
	expect 0 'qvm-block list vault' "\
sys-usb:sda  Block_Storage: sub-device of sys-usb:2-1 Kingston DataTraveler  vault (attached: read-only=no, frontend-dev=xvdi)
" ''
	expect 0 'qvm-block list personal' "\
sys-usb:sdb  Block_Storage: sub-device of sys-usb:2-2 BACKUP  personal (attached: read-only=yes, frontend-dev=xvdd, devtype=cdrom)
" ''
	# A failed start leaves nothing behind that would stop the next one.
	expect 1 'qvm-start untrusted --cdrom sys-usb:nope' '' "${FAILED}untrusted: Block device sys-usb:nope:* not available"$'\n'
	expect 1 'qvm-start untrusted --cdrom sys-usb:sda' '' \
		"${FAILED}untrusted: Device sys-usb:sda:0951:1666:60A44C413FAE:u080650:1.0 already attached to vault"$'\n'
	expect 0 'qvm-block list -s | grep -c untrusted; qvm-start untrusted' $'0\n' ''
}

# A sudo that gives its command the file of $1 as the one that Windows tools lie in, and then does what udev does in
# dom0: its QubesDB tells of the loop device. A machine without loop devices gets a losetup that makes none.
sudo_of_dom0() { # IMAGE
	local d=$BATS_TEST_TMPDIR/bin
	mkdir "$d"
	cat >"$d/sudo" <<-'END'
		#!/bin/bash
		device=$("${@/#\/usr\/lib\/qubes\/*/$IMAGE}") || exit
		echo "$device" >>"$LOG"
		db() { "$TESTBIN/qdb" "$QVMD_STATE/run/qubesdb.dom0.sock" write "$@" >/dev/null; }
		db "/qubes-block-devices/${device#/dev/}/desc" "${@: -1}"
		db /qubes-block-devices ''
		echo "$device"
	END
	if device=$(losetup -f --show "$1" 2>&1); then
		losetup -d "$device"
	else
		echo "# no loop devices here: $device" >&3
		printf '#!/bin/sh\necho /dev/loop9\n' >"$d/losetup"
	fi
	chmod +x "$d"/*
	export IMAGE=$1 LOG=$BATS_TEST_TMPDIR/loops PATH=$d:$PATH:/usr/sbin:/sbin
}
# Their number differs from machine to machine.
drives_of() { qvm-block list "$1" | sed 's/^dom0:loop[0-9]* */dom0:loop /'; }
export -f drives_of

@test "against the daemon: a start that is interrupted leaves no drive assigned" {
	start_daemon --start-delay 600000
	local pid signal status
	for signal in INT:130 TERM:143; do
		events_start
		bash -c 'exec env --default-signal=INT timeout --foreground -s KILL 20 qvm-start --hddisk sys-usb:sda vault' 3>&- &
		pid=$! status=0
		_await_event 'vault domain-pre-start start_guid=True mem_required=None'
		expect 0 'qvm-block list -s vault | grep -c "[*]vault"' $'1\n'
		kill -s "${signal%:*}" "$pid"
		wait "$pid" || status=$?
		assert_equal "$signal $status" "$signal ${signal#*:}"
		expect 1 'qvm-block list -s vault | grep -c "[*]vault"' $'0\n'
		qvm-kill vault
		events_stop
		: >"$EVENTS_LOG"
	done
}

@test "against the daemon: files of dom0 as drives" {
	start_daemon default
	truncate -s 1M "$BATS_TEST_TMPDIR/image"
	sudo_of_dom0 "$BATS_TEST_TMPDIR/image"
	local what mode status=0
	while IFS='|' read -r what file mode; do
		: >"$LOG"
		expect 0 "qvm-start vault $what" '' '' || status=1
		expect 0 'drives_of vault' "dom0:loop Block_Storage: hosted by dom0 $file  vault (attached: $mode)"$'\n' || status=1
		expect 0 'qvm-block list -s vault | grep -c "\*"; qvm-kill vault' $'0\n' || status=1
		[[ -x $BATS_TEST_TMPDIR/bin/losetup ]] || losetup -d "$(<"$LOG")"
	done <<-END
		--cdrom dom0:$IMAGE|$IMAGE|read-only=yes, frontend-dev=xvdd, devtype=cdrom
		--hddisk dom0:$IMAGE|$IMAGE|read-only=no, frontend-dev=xvdi
		--drive hd:dom0:$IMAGE|$IMAGE|read-only=no, frontend-dev=xvdi
		--install-windows-tools|/usr/lib/qubes/qubes-windows-tools.iso|read-only=yes, frontend-dev=xvdd, devtype=cdrom
	END
	((status == 0))
	[[ -x $BATS_TEST_TMPDIR/bin/losetup ]] ||
		expect 1 'qvm-start vault --cdrom dom0:/no/such 2>&1 | tail -n 1; exit ${PIPESTATUS[0]}' \
			"${FAILED}vault: Failed to setup loop device for /no/such"$'\n'
}
